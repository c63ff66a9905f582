"""Put other text in the place of what matches."""
from __future__ import annotations

from itertools import islice

from opensips_py.module import Pattern, script
from opensips_py.modules.textops.matching import EVERYWHERE, AtOnce, ByLine, headers_start, matches
from opensips_py.sip import Message


class Replacing:
    """Functions that replace matches by a text. An empty match counts for nothing."""

    @script(EVERYWHERE)
    def replace(self, message: Message, re: ByLine, txt: str) -> bool:
        """Replace the first match of *re* in headers or body by *txt*; false without a match."""
        return put(message, re, txt, headers_start(message), most=1)

    @script(EVERYWHERE)
    def replace_all(self, message: Message, re: ByLine, txt: str) -> bool:
        """Replace each match of *re* in headers and body by *txt*; false without a match."""
        return put(message, re, txt, headers_start(message))

    @script(EVERYWHERE)
    def replace_body(self, message: Message, re: ByLine, txt: str) -> bool:
        """Replace the first match of *re* in the body by *txt*; false without a match."""
        return put(message, re, txt, message.body_offset, most=1)

    @script(EVERYWHERE)
    def replace_body_all(self, message: Message, re: ByLine, txt: str) -> bool:
        """Replace each match of *re* in the body by *txt*, line by line; false without a match."""
        return put(message, re, txt, message.body_offset)

    @script(EVERYWHERE)
    def replace_body_atonce(self, message: Message, re: AtOnce, txt: str) -> bool:
        """Replace each match of *re* in the body by *txt*, where the body is one text: `.` and `[^a]` match line ends,
        `^` and `$` are its start and its end; false without a match."""
        return put(message, re, txt, message.body_offset)


def put(message: Message, pattern: Pattern, text: str, start: int, *, most: int | None = None) -> bool:
    """Replace the matches from *start* on, *most* at most."""
    found = [each[0] for each in islice(matches(pattern, message.data, start), most)]
    spans = [(begin, end) for begin, end in found if begin < end]
    for begin, end in spans:
        message.edits.replace(begin, end, text)
    return bool(spans)
