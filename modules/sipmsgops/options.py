"""Headers that list options, such as Supported and Require."""
from __future__ import annotations

from opensips_py.module import Run, drafts, script
from opensips_py.modules.sipmsgops.words import EVERYWHERE, Name
from opensips_py.sip import Header, Message


class Options:
    """Functions on headers whose value is a list of tokens with commas between them."""

    @script(EVERYWHERE, dialect="4.0")
    def list_hdr_has_option(self, message: Message, hdr_name: Name, option: str) -> bool:
        """Whether a header *hdr_name* of the message lists *option*."""
        wanted = option.strip().lower()
        return any(each.strip().lower() == wanted for header in message.headers(hdr_name)
                   for each in header.value.split(","))

    @script(EVERYWHERE, dialect="4.0")
    def list_hdr_add_option(self, run: Run, message: Message, hdr_name: Name, option: str) -> bool:
        """Add *option* at the end of the first header *hdr_name*, even where it is listed; false without such a
        header. Options may be added to one header and removed from it again and again."""
        header = next(iter(message.headers(hdr_name)), None)
        if header is None or not option.strip():
            return False
        store(run, message, header, [*options_of(run, message, header), option.strip()])
        return True

    @script(EVERYWHERE, dialect="4.0")
    def list_hdr_remove_option(self, run: Run, message: Message, hdr_name: Name, option: str) -> bool:
        """Take *option* out of all headers *hdr_name*, of each only the last where it is there several times; a header
        that lists nothing else goes with it. False where none has it."""
        found, wanted = False, option.strip().lower()
        for header in message.headers(hdr_name):
            listed = options_of(run, message, header)
            places = [place for place, each in enumerate(listed) if each.lower() == wanted]
            if places:
                del listed[places[-1]]
                store(run, message, header, listed)
                found = True
        return found


def options_of(run: Run, message: Message, header: Header) -> list[str]:
    """The options that a header has with what was changed in it before."""
    options: tuple[str, ...] | None = drafts.current(run, message, key_of(header))
    return [each for each in map(str.strip, header.value.split(",")) if each] if options is None else list(options)


def store(run: Run, message: Message, header: Header, options: list[str]) -> None:
    """Give a header these options; without any, it goes."""
    draft = drafts.write(message, key_of(header), tuple(options))
    name = header.name

    def line(options: tuple[str, ...]) -> bytes:
        """The header with its options."""
        return f"{name}: {', '.join(options)}\r\n".encode("utf-8", "surrogateescape") if options else b""
    drafts.place_header(run, message, draft, header, "line", line)


def key_of(header: Header) -> tuple[str, int]:
    """The draft of a header."""
    return "options", header.start
