"""Functions on the body of a message and its parts."""
from __future__ import annotations

from collections.abc import Callable

from opensips_py.module import Route, Run, Writable, drafts, script
from opensips_py.module.drafts import edited_body
from opensips_py.modules.sipmsgops.parts import KEY, Added, Parts, parts_now, store, type_header
from opensips_py.modules.sipmsgops.replies import context_of
from opensips_py.modules.sipmsgops.words import EVERYWHERE, whole_line
from opensips_py.sip import Message, Request
from opensips_py.sip.bodies import boundary, media_type, parts, parts_of


class Bodies:
    """Functions on bodies. Parts inside of parts are not looked at."""

    @script(EVERYWHERE)
    def has_body(self, message: Message, mime: str = "") -> bool:
        """Whether the message came with a body and, where *mime* is given, with one of that type, or a part of it."""
        if not message.content_length or not is_named(mime):
            return bool(message.content_length)
        wanted = media_type(mime)
        return wanted in (media_type(message.content_type or ""), *(each.media_type for each in parts_of(message)))

    @script(EVERYWHERE, dialect="4.0")
    def has_body_part(self, run: Run, message: Message, mime: str = "") -> bool:
        """Whether the body has a part (of type *mime*, where given), parts added and removed before included; a body
        that is not multipart is a part."""
        found = parts_now(run, message).media_types
        return media_type(mime) in found if mime else bool(found)

    @script(EVERYWHERE, dialect="4.0")
    def add_body_part(self, run: Run, message: Message, body: str, mime: str, headers: str = "") -> bool:
        """Add a part; *headers* are further header lines of it. A message without a body gets this one, a body that
        is there becomes multipart."""
        part = Added(mime, encoded(body), encoded(whole_line(headers)))
        now = parts_now(run, message)
        store(run, message, now._replace(added=(*now.added, part)))
        return True

    @script(EVERYWHERE, dialect="4.0")
    def remove_body_part(self, run: Run, message: Message, mime: str = "", revert: str = "") -> bool:
        """Remove the parts of type *mime*, all others where *revert* is "revert", or the whole body without *mime*.
        Content-Type follows: a single part that is left is the body. False where there is no such part."""
        wanted = media_type(mime)
        if not mime:
            return remove(run, message, lambda kind: True)
        if revert.lower() == "revert":
            return remove(run, message, lambda kind: kind != wanted)
        return remove(run, message, lambda kind: kind == wanted)

    @script(EVERYWHERE, dialect="4.0")
    def get_updated_body_part(self, run: Run, message: Message, mime: str | None, variable: Writable) -> bool:
        """Put the body, or its first part of type *mime*, with all changes made so far into *variable*; the message
        stays as it is. False, and NULL, where there is none."""
        body: bytes | None = edited_body(run, message)
        if mime:
            kind = content_type_now(run, message)
            found = (each.content for each in parts(body or b"", kind) if each.media_type == media_type(mime))
            body = next(found, None)
        variable.set(body.decode("utf-8", "surrogateescape") if body else None)
        return bool(body)

    @script(Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.ERROR, dialect="4.0")
    def append_body_to_reply(self, request: Request, txt: str) -> bool:
        """Make *txt* the body of all replies that this server itself gives to the request and that have none; its
        Content-Type is for append_to_reply() to add. The last call counts."""
        context_of(request)["reply_body"] = encoded(txt)
        return True


class OldBodies:
    """Functions on bodies that 2.1 has."""

    @script(EVERYWHERE, dialect="2.1")
    def add_body(self, run: Run, message: Message, body_text: str, new_content_type: str = "") -> bool:
        """Make *body_text* the body; its type may be left out where the message has a body of the same type."""
        kind = new_content_type or content_type_now(run, message)
        if not kind:
            return False
        now = parts_now(run, message)
        store(run, message, now._replace(gone=frozenset(range(len(now.received))),
                                         added=(Added(kind, encoded(body_text)),), single=True))
        return True

    @script(EVERYWHERE, dialect="2.1")
    def strip_body(self, run: Run, message: Message, mime: str = "") -> bool:
        """Remove the body with its Content-Type; where *mime* is given, only if it is of this type, or only the parts
        that are. False where there is nothing to remove."""
        if not is_named(mime) or media_type(mime) == media_type(content_type_now(run, message)):
            return remove(run, message, lambda kind: True)
        return remove(run, message, lambda kind: kind == media_type(mime), single=False)

    @script(EVERYWHERE, dialect="2.1")
    def filter_body(self, run: Run, message: Message, content_type: str) -> bool:
        """Make the first part of that type the whole body of a multipart message; false without such a part."""
        now = parts_now(run, message)
        number = next((each for each in now.left if now.received[each].media_type == media_type(content_type)), None)
        if number is None or boundary(now.content_type) is None:
            return False
        others = frozenset(range(len(now.received))) - {number}
        store(run, message, now._replace(gone=others, added=(), single=True))
        return True


def is_named(mime: str) -> bool:
    """Whether a type is meant; 0 stands for none in old scripts."""
    return mime not in ("", "0")


def encoded(text: str) -> bytes:
    """A text as bytes of the message."""
    return text.encode("utf-8", "surrogateescape")


def content_type_now(run: Run, message: Message) -> str:
    """The Content-Type that the body would leave with; '' where it has none."""
    now: Parts | None = drafts.current(run, message, KEY)
    if now is None:  # a multipart body that came with a single part stays one until its parts are changed
        return message.content_type or ""
    line = type_header(now).partition(b"\r\n")[0]
    return line.partition(b":")[2].strip().decode("utf-8", "surrogateescape")


def remove(run: Run, message: Message, chosen: Callable[[str], bool], *, single: bool = True) -> bool:
    """Remove the parts whose type is chosen; whether there were any."""
    now = parts_now(run, message)
    gone = {number for number in now.left if chosen(now.received[number].media_type)}
    added = tuple(each for each in now.added if not chosen(each.media_type))
    if not gone and added == now.added:
        return False
    store(run, message, Parts(*now[:4], now.gone | gone, added, single))
    return True
