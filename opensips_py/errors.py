"""The error types of the whole program.

OpenSipsError
├── MalformedMessage    somebody sent us what RFC 3261 forbids; carries the status to answer
├── IllegalTransition   our own fault: a state machine was given an event it has no row for
├── TransportError      a message could not be sent
├── ScriptError         the routing script is wrong; carries file, line, column and a hint
├── ConfigError         a module or a parameter is set up wrong
└── MIError             a management command failed; carries the code to answer
"""


class OpenSipsError(Exception):
    """Base of the errors below; nothing raises it itself."""


class MalformedMessage(OpenSipsError):
    """A received message or value that breaks RFC 3261; *status* is the response it deserves (0: none)."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class IllegalTransition(OpenSipsError):
    """An event that the current state of a state machine does not know."""


class TransportError(OpenSipsError):
    """A message could not be handed to the network."""


class ScriptError(OpenSipsError):
    """A mistake in the routing script, at a place, with the likely fix in *hint*."""

    def __init__(self, message: str, file: str = "", line: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.file, self.line, self.column, self.hint = message, file, line, column, hint

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.file else ""
        return f"{place}{self.message}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(OpenSipsError):
    """A module that cannot work as it is set up; *parameter* is the modparam at fault, if one is."""

    def __init__(self, message: str, module: str = "", parameter: str = "") -> None:
        super().__init__(message)
        self.message, self.module, self.parameter = message, module, parameter


class MIError(OpenSipsError):
    """A management command that cannot be carried out; *code* is the one to answer (404, 400, 500 ...)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message
