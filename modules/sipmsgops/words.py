"""Arguments of this module's functions, read once where the script has constants."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from opensips_py.module import Kind, Route
from opensips_py.sip import HeaderId, header_name

EVERYWHERE = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL
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


@dataclass(frozen=True)
class HeaderName(Kind):
    """The name of a header, long or short: as its number where the parser has one, else as it is written."""

    name = "string"

    def convert(self, value: Any) -> int | str:
        name = text_of(value).strip().removesuffix(":").rstrip()
        if not name:
            raise ValueError("the name of a header is needed")
        return BY_NAME.get(header_name(name).lower(), name)


@dataclass(frozen=True)
class HeaderLine(Kind):
    """Whole header lines; the end of the last is added where it is missing, as no message could be read without."""

    name = "string"

    def convert(self, value: Any) -> str:
        line = text_of(value)
        return line if line.endswith("\n") or not line else f"{line}\r\n"


Methods = Annotated[frozenset[str], MethodNames()]
Name = Annotated[int | str, HeaderName()]
Line = Annotated[str, HeaderLine()]
