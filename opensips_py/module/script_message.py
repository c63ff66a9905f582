"""The message and the run that it has, as Python code of a user sees them: typed, with the names of the script."""
from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module.convert import arguments_for
from opensips_py.module.kinds import VariableSpec
from opensips_py.module.returned import Scalar, code_alone, exact, is_stop
from opensips_py.module.run import Route

if TYPE_CHECKING:
    from opensips_py.module.run import Run

log = logging.getLogger("opensips_py.script")
MOST_TEXTS = 1000  # compiled texts that are kept
REPLIES = ("send_reply", "sl_send_reply", "t_reply")  # the functions that answer, the best first


class ScriptExit(BaseException):
    """Ends the script, as exit does; no `except Exception` on its way holds it up."""


class Headers:
    """The headers of a message, by name without regard to case and short forms."""

    def __init__(self, message: Any) -> None:
        self._message = message

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of the first header *name*."""
        found = None if self._message is None else self._message.header(name)
        return default if found is None else str(found)

    def all(self, name: str) -> list[str]:
        """The values of all headers *name*, in their order."""
        return [] if self._message is None else [each.value for each in self._message.headers(name)]

    def append(self, name: str, value: str) -> None:
        """Add a header to what leaves; as in the script, it is not seen before."""
        if self._message is not None:
            if any(character in f"{name}{value}" for character in "\r\n\0") or not name or ":" in name:
                raise ValueError(f"{name!r}: {value!r} is no header")
            self._message.append_header(f"{name}: {value}\r\n")

    def remove(self, name: str) -> int:
        """Take all headers *name* out of what leaves; how many there are."""
        found = [] if self._message is None else self._message.headers(name)
        for each in found:
            self._message.remove_header(each)
        return len(found)


class Avps:
    """$avp(name): lists of values, the newest first."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getitem__(self, name: str) -> int | str:
        return self._run.avps[name][0]  # type: ignore[no-any-return]

    def __setitem__(self, name: str, value: int | str) -> None:
        """$avp(name) := value: this value alone."""
        self._run.avps[name] = [value]

    def __delitem__(self, name: str) -> None:
        del self._run.avps[name]

    def __contains__(self, name: str) -> bool:
        return name in self._run.avps

    def get(self, name: str, default: Scalar = None) -> Scalar:
        """The newest value."""
        values = self._run.avps.get(name)
        return values[0] if values else default

    def all(self, name: str) -> list[int | str]:
        """All values, the newest first."""
        return list(self._run.avps.get(name, ()))

    def push(self, name: str, value: int | str) -> None:
        """$avp(name) = value: one more value, the newest now."""
        self._run.avps.setdefault(name, []).insert(0, value)


class ScriptVariables(MutableMapping[str, Scalar]):
    """$var(name); one that nothing has set is NULL."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getitem__(self, name: str) -> Scalar:
        return self._run.variables.get(name)

    def __setitem__(self, name: str, value: Scalar) -> None:
        self._run.variables[name] = value

    def __delitem__(self, name: str) -> None:
        self._run.variables.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.variables)

    def __len__(self) -> int:
        return len(self._run.variables)


class ScriptMessage:
    """The message at hand, with all that the script could do with it where this code is called."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.avp = Avps(run)
        self.var = ScriptVariables(run)
        self.headers = Headers(run.message)

    # What it says

    @property
    def is_request(self) -> bool:
        """Whether it is a request."""
        return self.run.message is not None and bool(self.run.message.is_request)

    @property
    def method(self) -> str | None:
        """The method of the request, or of the request that a response answers."""
        found = self.run.message
        return None if found is None else str(found.method)

    @property
    def status(self) -> int | None:
        """The code of a response."""
        return None if self.run.message is None or self.is_request else int(self.run.message.status)

    @property
    def uri(self) -> str | None:
        """The Request-URI, $ru."""
        return self._text("$ru")

    @uri.setter
    def uri(self, value: str) -> None:
        self["$ru"] = value

    @property
    def user(self) -> str | None:
        """The user of the Request-URI, $rU."""
        return self._text("$rU")

    @user.setter
    def user(self, value: str) -> None:
        self["$rU"] = value

    @property
    def domain(self) -> str | None:
        """The host of the Request-URI, $rd."""
        return self._text("$rd")

    @domain.setter
    def domain(self, value: str) -> None:
        self["$rd"] = value

    @property
    def destination(self) -> str | None:
        """Where the request goes instead of its Request-URI, $du."""
        return self._text("$du")

    @destination.setter
    def destination(self, value: str | None) -> None:
        self["$du"] = value

    @property
    def from_uri(self) -> str | None:
        """The URI in From, $fu."""
        return self._text("$fu")

    @property
    def to_uri(self) -> str | None:
        """The URI in To, $tu."""
        return self._text("$tu")

    @property
    def call_id(self) -> str | None:
        """The Call-ID."""
        return self._text("$ci")

    @property
    def source_host(self) -> str | None:
        """The address that it came from."""
        return None if self.run.message is None else str(self.run.message.source_host)

    @property
    def source_port(self) -> int | None:
        """The port that it came from."""
        return None if self.run.message is None else int(self.run.message.source_port)

    @property
    def body(self) -> bytes:
        """Its body."""
        return b"" if self.run.message is None else bytes(self.run.message.body)

    # Variables of the script

    def _text(self, variable: str) -> str | None:
        value = self[variable]
        return None if value is None else str(value)

    def _variable(self, text: str) -> VariableSpec:
        registry = self.run.generation.registry
        found = registry.texts.get(text)
        if found is None:
            found = self._kept(text, registry.script.variable(text))
        return found  # type: ignore[no-any-return]

    def _kept(self, text: str, compiled: Any) -> Any:
        texts = self.run.generation.registry.texts
        if len(texts) >= MOST_TEXTS:
            texts.clear()
        texts[text] = compiled
        return compiled

    def __getitem__(self, variable: str) -> Scalar:
        """Any pseudo-variable, as the script writes it: message["$(ru{uri.user})"]; None for NULL."""
        try:
            return self._variable(variable).read(self.run)  # type: ignore[no-any-return]
        except MalformedMessage:
            return None

    def __setitem__(self, variable: str, value: Scalar) -> None:
        """Assign a pseudo-variable, as `=` in the script does."""
        spec = self._variable(variable)
        if spec.write is None:
            raise ValueError(f"{variable} cannot be assigned")
        spec.write(self.run, value)

    def format(self, text: str) -> str:
        """A text with its pseudo-variables replaced: format("$fu calls $ru")."""
        key = f"text {text}"
        found = self.run.generation.registry.texts.get(key)
        if found is None:
            found = self._kept(key, self.run.generation.registry.script.format(text))
        value = found(self.run)
        return "" if value is None else str(value)

    # Functions and routes of the script

    def call(self, name: str, *arguments: Any) -> int:
        """Call a function of the script and return its code; None leaves an argument out. 0 ends the script.

        Variables that it assigns are given by name: call("get_timestamp", "$var(s)", "$var(us)").
        """
        registry = self.run.generation.registry
        found = registry.functions.get(name)
        if found is None:
            raise LookupError(registry.missing_function(name))
        declared = found.declaration
        if not self.run.kind & declared.routes:
            raise RuntimeError(f"{name} cannot be called in a run that began as {Route(self.run.kind).name}")
        given = arguments_for(found, arguments, self.run)
        if declared.waits:
            self.run.park()
        before = [self.run if each == "run" else self.run.message for each in declared.inject]
        result = found.call(*before, *given)
        if is_stop(result) and declared.may_stop:
            raise ScriptExit
        return 1 if result is True or result is None else code_alone(result)

    def route(self, name: str, *arguments: Scalar) -> Any:
        """Call route[name] of the script and return what it returns; exit in it ends the script."""
        found = self.run.generation.route(Route.REQUEST, name)
        if found is None:
            raise LookupError(f"there is no route[{name}]")
        self.run.parameters.append(arguments)
        result = found(self.run)
        if is_stop(result):
            raise ScriptExit
        self.run.parameters.pop()
        return exact(result)

    def relay(self) -> bool:
        """Send the request on, t_relay()."""
        return self.call("t_relay") > 0

    def reply(self, code: int, reason: str) -> bool:
        """Answer the request, with whichever module is loaded for that."""
        functions = self.run.generation.registry.functions
        name = next((each for each in REPLIES if each in functions), REPLIES[0])
        return self.call(name, code, reason) > 0

    def log(self, text: str, level: int = logging.INFO) -> None:
        """Write a line to the log of the script."""
        log.log(level, "%s", text, extra={"bare": True})

    def exit(self) -> None:
        """End the script."""
        raise ScriptExit

    def drop(self) -> None:
        """End the script; the message goes nowhere."""
        self.run.dropped = True
        raise ScriptExit
