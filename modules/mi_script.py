"""Management commands out of the script."""
from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MIError
from opensips_py.mi import jsonrpc
from opensips_py.mi.arguments import METHOD_NOT_FOUND
from opensips_py.module import Module, Route, Variable, VariableKind, Writable, param, script

if TYPE_CHECKING:
    from opensips_py.mi.arguments import Given

Avp = Annotated[Variable, VariableKind(("avp",))]
ARRAY = re.compile(r"__array\((.*)\)\Z")
UNKNOWN, UNEVEN = -1, -2
log = logging.getLogger(__name__)


class MiScript(Module, name="mi_script"):
    """Run management commands from the script and read their answers."""

    pretty_printing: bool = param(0, "Whether the answers take several lines.")

    @script(Route.ANY, waits=True)
    def mi(self, command: str, ret_var: Writable | None = None, params_avp: Avp | None = None,
           vals_avp: Avp | None = None) -> int:
        """Run a management command; its answer, as JSON, or what was wrong, goes to *ret_var*.

        Values follow the *command* with spaces between them, or are those of *params_avp* in the order in which they
        were assigned; with *vals_avp* these are names, and the values are there ("__array(a b)" for a list). 1, or the
        code of the error as a negative number: -1 where there is no such command, -2 where a name has no value."""
        name, *words = command.split() or [""]
        if params_avp is None:
            params_avp, vals_avp = vals_avp, None
        names = params_avp.assigned() if params_avp is not None else []
        values = vals_avp.assigned() if vals_avp is not None else []
        given: Given = words or None
        if vals_avp is not None:
            if len(names) > len(values):
                return self.answer(ret_var, UNEVEN, f"{len(names)} names for {len(values)} values")
            if len(values) > len(names):
                log.warning("mi(%s): %d values for %d names, the last are left out", name, len(values), len(names))
            given = {str(key): element(value) for key, value in zip(names, values, strict=False)}
        elif params_avp is not None:
            given = [element(each) for each in names] or None
        try:
            answer = self.services.mi.call(name, given)
        except MIError as error:
            code = UNKNOWN if error.code == METHOD_NOT_FOUND else -abs(error.code) or UNKNOWN
            return self.answer(ret_var, code, error.message)
        return self.answer(ret_var, 1, jsonrpc.dump("OK" if answer is None else answer, bool(self.pretty_printing)))

    def answer(self, variable: Writable | None, code: int, text: str) -> int:
        """Leave *text* in the variable of the script, and give *code*."""
        if variable is not None:
            variable.set(text)
        return code


def element(value: Any) -> Any:
    """A value for a command: the text __array(a b) is a list."""
    found = ARRAY.match(value) if isinstance(value, str) else None
    return value if found is None else found[1].split()
