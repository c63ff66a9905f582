"""The message as OpenSIPS gives it to Python: its names, on top of those of the typed message."""
from __future__ import annotations

from typing import Any

from opensips_py.module import ScriptMessage
from opensips_py.module.script_message import ScriptExit

REQUEST, REPLY = "SIP_REQUEST", "SIP_REPLY"


class Message(ScriptMessage):
    """The message at hand."""

    def __repr__(self) -> str:
        return f"<OpenSIPS.Message {self.method} of {self.call_id}>"

    @property
    def Type(self) -> str:
        """SIP_REQUEST or SIP_REPLY."""
        return REQUEST if self.is_request else REPLY

    @property
    def Method(self) -> str | None:
        """The method of the request, or of the request that a reply is for."""
        return self.method

    @property
    def Status(self) -> str:
        """The code of a reply, as a text."""
        status = self.status
        if status is None:
            raise RuntimeError("a request has no Status")
        return str(status)

    @property
    def RURI(self) -> str | None:
        """The Request-URI as it is now."""
        self.need_request("RURI")
        return self.uri

    @property
    def src_address(self) -> tuple[str | None, int | None]:
        """The address and port that it came from."""
        return self.source_host, self.source_port

    @property
    def dst_address(self) -> tuple[str | None, int | None]:
        """The address and port that it came to."""
        listener = getattr(self.run.message, "listener", None)
        return (None, None) if listener is None else (listener.host, listener.port)

    def copy(self) -> Message:
        """Another object for the same message."""
        return Message(self.run)

    def rewrite_ruri(self, uri: str) -> None:
        """Make *uri* the Request-URI."""
        self.need_request("rewrite_ruri()")
        self.uri = uri

    def set_dst_uri(self, uri: str) -> None:
        """Send the request to *uri*, whatever its Request-URI says."""
        self.need_request("set_dst_uri()")
        self.destination = uri

    def getHeader(self, name: str) -> str | None:
        """The value of the first header *name*; None where there is none."""
        return self.headers.get(name)

    def call_function(self, name: str, *arguments: Any) -> int:
        """Call a function of the script or of any loaded module; its code, 0 like any other."""
        try:
            return self.call(name, *arguments)
        except ScriptExit:
            return 0

    def get_pseudoVar(self, name: str) -> str | None:
        """The value of a variable as a text, None for NULL; its name with or without $."""
        value = self[dollar(name)]
        return None if value is None else str(value)

    def set_pseudoVar(self, name: str, value: str | int | None) -> None:
        """Assign a variable, as `=` in the script does."""
        self[dollar(name)] = value

    def need_request(self, what: str) -> None:
        """Refuse *what* on a reply."""
        if not self.is_request:
            raise RuntimeError(f"{what} is for requests alone, and this is a reply")


def dollar(name: str) -> str:
    """The name of a variable as the script writes it."""
    return name if name.startswith("$") else f"${name}"
