"""Headers taken out by name, and found by a pattern of their names."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

from opensips_py.module import Bits, Pattern, Regex, Writable, WritableKind, script
from opensips_py.modules.sipmsgops.words import EVERYWHERE, Glob, Name, glob
from opensips_py.sip import Header, Message

REGEX, GLOB = 1, 2
Avp = Annotated[Writable, WritableKind(("avp",))]
NAME_REGEX = Regex(ignore_case=True, newline=True)
HeaderRegex = Annotated[Pattern, NAME_REGEX]
How = Annotated[int, Bits(letters=(("r", REGEX), ("g", GLOB)), numbers=False)]


class Removing:
    """Functions that take headers out of what is sent."""

    @script(EVERYWHERE, dialect="4.0")
    def remove_hf(self, message: Message, hname: Name) -> bool:
        """Take out all headers *hname*; false where there is none."""
        return leave_out(message, message.headers(hname))

    @script(EVERYWHERE, name="remove_hf", dialect="2.1")
    def remove_hf_21(self, message: Message, hname: str, flags: How = 0) -> bool:
        """Take out all headers *hname*; false where there is none. With flag r it is a regular expression, with g a
        pattern as the shell's, that the names of headers are compared with."""
        if not flags:
            return leave_out(message, message.headers(hname))
        pattern = NAME_REGEX.convert(hname) if flags & REGEX else glob(hname)
        return leave_out(message, named(message, pattern.matches))

    @script(EVERYWHERE, dialect="4.0")
    def remove_hf_re(self, message: Message, hname_expr: HeaderRegex) -> bool:
        """Take out all headers in whose name the regular expression is found; false where there is none."""
        return leave_out(message, named(message, hname_expr.matches))

    @script(EVERYWHERE, dialect="4.0")
    def remove_hf_glob(self, message: Message, hname_pattern: Glob) -> bool:
        """Take out all headers whose name fits a pattern as the shell's (X-*); false where there is none."""
        return leave_out(message, named(message, hname_pattern.matches))

    @script(EVERYWHERE, dialect="4.0")
    def get_glob_headers_values(self, message: Message, hdr_name_glob: Glob, hdr_names_avp: Avp,
                                hdr_vals_avp: Avp) -> bool:
        """Add the names and values of all headers whose name fits a pattern as the shell's to two AVPs, where equal
        indexes belong together and 0 is the last of the headers; false where there is none."""
        found = named(message, hdr_name_glob.matches)
        for each in found:
            hdr_names_avp.set(each.name)
            hdr_vals_avp.set(each.value)
        return bool(found)


def named(message: Message, fits: Callable[[str], bool]) -> list[Header]:
    """The headers whose name fits."""
    return [each for each in message.headers() if fits(each.name)]


def leave_out(message: Message, headers: Iterable[Header]) -> bool:
    """Take these headers out; False where there are none."""
    found = False
    for each in headers:
        message.remove_header(each)
        found = True
    return found
