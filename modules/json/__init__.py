"""Read and write JSON documents from the script."""
from __future__ import annotations

from typing import Annotated, Any

from opensips_py.module import Module, Route, Run, Writable, param, process_state, pvar, script
from opensips_py.modules.json.documents import Documents, ended_by
from opensips_py.modules.json.kinds import JsonPath, JsonValue, JsonVariable
from opensips_py.modules.json.merging import merged
from opensips_py.modules.json.path import Path
from opensips_py.modules.json.reading import NULL, parsed
from opensips_py.modules.json.writing import COMPACT, PRETTY, SPACED, UNESCAPED, Style, written

ANYWHERE = (Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL | Route.STARTUP | Route.TIMER
            | Route.EVENT)
At = Annotated[Path, JsonPath()]
Passed = Annotated[Path, JsonVariable()]
Assigned = Annotated[Any, JsonValue()]
Scalar = int | str | None
LEAST, MOST = -1 << 31, (1 << 31) - 1  # the numbers that 32 bits hold


class Json(Module, name="json"):
    """Read, build and change JSON documents. A document belongs to the worker that has made it and stays until it is
    changed, whatever message comes next: begin it anew, with :=, for each message."""

    enable_long_quoting: bool = param(0, "Whether numbers that do not fit into 32 bits are read as text.")
    documents: Documents = process_state()

    @pvar("json")
    def json_spaced(self, run: Run, name: At, index: Any) -> Scalar:
        """The value at a path of a document: name/key[index] and so on, where a key or an index may be a variable.
        Whatever is neither a number nor a text is read as JSON. `=` assigns a value as it is, `:=` parses it as JSON,
        NULL takes it out; [] appends. `for` goes through $(json(path)[*]), or the .keys or .values of an object."""
        if index == "*":
            self.log.error("$(json(%s)[*]) only stands in a for loop", name.text)
            return None
        return self.value(run, name, SPACED, index)

    @json_spaced.setter
    def set_json(self, run: Run, name: At, index: Any, value: Assigned) -> None:
        self.assign(run, name, value)

    @pvar("json_compact")
    def json_compact(self, run: Run, name: At) -> Scalar:
        """The same as $json, with JSON written without blanks."""
        return self.value(run, name, COMPACT)

    @json_compact.setter
    def set_compact(self, run: Run, name: At, value: Assigned) -> None:
        self.assign(run, name, value)

    @pvar("json_compact_noescape")
    def json_compact_noescape(self, run: Run, name: At) -> Scalar:
        """The same as $json_compact, with slashes as they are: / and not \\/."""
        return self.value(run, name, UNESCAPED)

    @json_compact_noescape.setter
    def set_unescaped(self, run: Run, name: At, value: Assigned) -> None:
        self.assign(run, name, value)

    @pvar("json_pretty")
    def json_pretty(self, run: Run, name: At) -> Scalar:
        """The same as $json, with JSON on many lines, indented."""
        return self.value(run, name, PRETTY)

    @json_pretty.setter
    def set_pretty(self, run: Run, name: At, value: Assigned) -> None:
        self.assign(run, name, value)

    @script(ANYWHERE)
    def json_link(self, run: Run, dest_id: Passed, source_id: Passed) -> bool:
        """Make *dest_id* the same object or array as *source_id*, not a copy: a change to one is seen in both. False
        where there is nothing at *source_id*, and where an object would come to stand inside itself."""
        try:
            self.documents.link(dest_id.name, dest_id.steps(run), source_id.name, source_id.steps(run))
        except ValueError as error:
            self.log.error("json_link: %s", error)
            return False
        return True

    @script(Route.ANY)
    def json_merge(self, main_json_var: str, patch_json_var: str, output_var: Writable) -> bool:
        """Change the JSON text *main_json_var* as *patch_json_var* says, by RFC 7396: what is in both is taken from
        the second, null takes away. *output_var* is the outcome, without blanks."""
        try:
            outcome = merged(parsed(main_json_var), parsed(patch_json_var))
        except ValueError as error:
            self.log.error("json_merge: %s", error)
            return False
        output_var.set(written(outcome, UNESCAPED))
        return True

    def value(self, run: Run, path: Path, style: Style, number: int | None = None) -> Scalar:
        """What the script reads at *path*, or of what is there the item at *number*; NULL where nothing is."""
        try:
            found = self.documents.find(path.name, path.steps(run))
            if path.listing or number is not None:
                found = ended_by(found, path.listing, number)
        except (LookupError, ValueError) as error:
            self.log.info("$json(%s): %s", path.text, error.args[0])
            return None
        if found is NULL and not path.listing and number is None:
            return None
        if type(found) is int:
            return str(found) if self.enable_long_quoting and not LEAST <= found <= MOST else found
        return found if type(found) is str else written(found, style)

    def assign(self, run: Run, path: Path, value: Any) -> None:
        """Put *value* at *path*; what cannot be parsed leaves nothing there, rather than what was there before."""
        steps = path.steps(run)
        if isinstance(value, ValueError):
            self.documents.put(path.name, steps, None)
            raise value
        self.documents.put(path.name, steps, value)
