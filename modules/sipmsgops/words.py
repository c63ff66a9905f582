"""Arguments of this module's functions, read once where the script has constants."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from opensips_py.module import Kind, Pattern, Route, meant
from opensips_py.sip import HeaderId, header_name

EVERYWHERE = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "PRACK", "SUBSCRIBE", "NOTIFY", "UPDATE",
           "MESSAGE", "REFER", "PUBLISH")
BY_NAME = {each.name.replace("_", "-").lower(): each for each in HeaderId if each is not HeaderId.OTHER}


def text_of(value: Any) -> str:
    """A value as text, which NULL is not."""
    if value is None:
        raise ValueError("a text is needed, and the value is NULL")
    return str(value)


@dataclass(frozen=True)
class MethodNames(Kind):
    """Names of methods with | between them, as the set of them in capitals."""

    name = "string"

    def convert(self, value: Any) -> frozenset[str]:
        names = frozenset(filter(None, (each.strip().upper() for each in text_of(value).split("|"))))
        if not names:
            raise ValueError("the name of a method is needed")
        return names

    def constant(self, value: Any) -> frozenset[str]:
        names = self.convert(value)
        for each in sorted(names.difference(METHODS)):  # one by itself may be that of an extension, as in OpenSIPS
            if (hint := meant(each, METHODS)) or len(names) > 1:
                raise ValueError(f'"{each}" is no method{hint}')
        return names


@dataclass(frozen=True)
class HeaderName(Kind):
    """The name of a header, long or short: as its number where the parser has one, else as it is written."""

    name = "string"

    def convert(self, value: Any) -> int | str:
        name = text_of(value).strip().removesuffix(":").rstrip()
        if not name:
            raise ValueError("the name of a header is needed")
        return BY_NAME.get(header_name(name).lower(), name)


def whole_line(line: str) -> str:
    """A header line with the end that no message could be read without; nothing for nothing."""
    return line if line.endswith("\n") or not line else f"{line}\r\n"


@dataclass(frozen=True)
class HeaderLine(Kind):
    """Whole header lines."""

    name = "string"

    def convert(self, value: Any) -> str:
        return whole_line(text_of(value))


def glob(text: str) -> Pattern:
    """A pattern as the shell's (*, ?, [a-z], [!a-z], a backslash before what means itself), whatever the case."""
    parts, rest = ["^"], text
    while rest:
        size = bracket(rest)
        if size:
            parts.append(rest[:size].replace("[!", "[^", 1))
        elif rest[0] in "*?":
            parts.append(".*" if rest[0] == "*" else ".")
        else:
            rest = rest[1:] if rest[0] == "\\" and len(rest) > 1 else rest
            parts.append(f"\\{rest[0]}" if rest[0] in "\\.[]{}()*+?^$|" else rest[0])
        rest = rest[size or 1:]
    return Pattern("".join(parts) + "$", ignore_case=True)


def bracket(text: str) -> int:
    """How long the list ([a-z]) is that *text* begins with; 0 where it begins with none."""
    if not text.startswith("["):
        return 0
    return text.find("]", 3 if text[1:2] in ("!", "^") else 2) + 1


@dataclass(frozen=True)
class GlobKind(Kind):
    """A pattern as the shell's."""

    name = "string"

    def convert(self, value: Any) -> Pattern:
        try:
            return glob(text_of(value))
        except ValueError as error:
            raise ValueError(f'"{value}" is no pattern: {error}') from None


Methods = Annotated[frozenset[str], MethodNames()]
Name = Annotated[int | str, HeaderName()]
Line = Annotated[str, HeaderLine()]
Glob = Annotated[Pattern, GlobKind()]
