"""Search a message, and add text behind what was found."""
from __future__ import annotations

from opensips_py.module import Pattern, script
from opensips_py.modules.textops.matching import EVERYWHERE, ByLine, headers_start, matches
from opensips_py.sip import Message


class Searching:
    """Functions that search, and those that append."""

    @script(EVERYWHERE)
    def search(self, message: Message, re: ByLine) -> bool:
        """Whether *re* matches anywhere in the message, the start line included."""
        return re.search(message.data) is not None

    @script(EVERYWHERE)
    def search_body(self, message: Message, re: ByLine) -> bool:
        """Whether *re* matches in the body."""
        return bool(message.content_length) and re.search(message.body) is not None

    @script(EVERYWHERE)
    def search_append(self, message: Message, re: ByLine, txt: str) -> bool:
        """Put *txt* behind the first match of *re* in headers or body; false without a match."""
        return append(message, re, txt, headers_start(message))

    @script(EVERYWHERE)
    def search_append_body(self, message: Message, re: ByLine, txt: str) -> bool:
        """Put *txt* behind the first match of *re* in the body; false without a match."""
        return bool(message.content_length) and append(message, re, txt, message.body_offset)


def append(message: Message, pattern: Pattern, text: str, start: int) -> bool:
    """Insert *text* behind the first match from *start* on."""
    found = next(matches(pattern, message.data, start), None)
    if found is None:
        return False
    message.edits.insert(found[0][1], text)
    return True
