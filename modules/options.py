"""Answer OPTIONS with what this server can do (RFC 3261, 11.2)."""
from typing import Any

from opensips_py.module import Module, Route, Run, param, script, uses


class Options(Module, name="options"):
    """Answer OPTIONS requests that are meant for the server itself."""

    signaling: Any = uses("signaling")

    accept: str = param("*/*", "Value of the Accept header; empty: the header stands without a value.")
    accept_encoding: str = param("", "Value of the Accept-Encoding header.")
    accept_language: str = param("en", "Value of the Accept-Language header.")
    support: str = param("", "Value of the Supported header.")

    @script(Route.REQUEST)
    def options_reply(self, run: Run) -> bool:
        """Answer an OPTIONS request with 200; false for other methods, and where the Request-URI names a user."""
        request = run.message
        if request.method != "OPTIONS":
            self.log.error("options_reply: a %s is no OPTIONS request", request.method)
            return False
        if request.parsed_uri.user:
            self.log.error("options_reply: %s names a user, whose phone should answer", request.uri)
            return False
        return bool(self.signaling.answer(run, 200, "OK", self.headers()))

    def headers(self) -> bytes:
        """The header lines that say what we can do."""
        lines = (f"Accept: {self.accept}\r\nAccept-Encoding: {self.accept_encoding}\r\n"
                 f"Accept-Language: {self.accept_language}\r\nSupported: {self.support}\r\n")
        return lines.encode("utf-8", "surrogateescape")
