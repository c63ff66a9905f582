"""Pseudo-variables of bodies: $rb, $cT and the editable SDP of $sdp, $sdp.line, $sdp.session and $sdp.stream."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.module import sdp_drafts
from opensips_py.module.marks import pvar
from opensips_py.script import sdp_filters
from opensips_py.script.indexes import Index, Value, pick
from opensips_py.sip.bodies import parts, parts_of

if TYPE_CHECKING:
    import logging

    from opensips_py.module.run import Run
    from opensips_py.sip import Message


def text(data: bytes) -> str:
    """Bytes as a text."""
    return data.decode("utf-8", "surrogateescape")


class BodyVariables:
    """The pseudo-variables of bodies."""

    log: logging.Logger

    @pvar("rb")
    def body(self, run: Run, message: Message, name: str = "", index: Index = None) -> Value:
        """Body of the message; $(rb[n]) is a part of it, $rb(application/sdp) the first part of that type."""
        whole = sdp_drafts.shown_body(run, message)
        if not name and index in (None, "*"):
            return text(whole) if whole else None
        content_type = message.content_type or "application/sdp"
        found = [text(each.content) for each in parts(whole, content_type)
                 if not name or each.media_type == name.lower()]
        return pick(found, index)

    @pvar("cT")
    def content_type(self, message: Message, index: Index = None) -> Value:
        """Value of Content-Type; $(cT[n]) is that of a part, $(cT[*]) all of them."""
        own = message.header("Content-Type")
        if index is None or own is None:
            return own
        inner = [each.content_type for each in parts_of(message)] if own.lower().startswith("multipart/") else []
        return ",".join([own, *inner]) if index == "*" else pick(inner, index)

    # SDP: the name of these variables is a filter, see sdp_filters

    @pvar("sdp")
    def whole_sdp(self, run: Run, message: Message, name: str = "") -> str | None:
        """SDP of the message; assigning replaces it."""
        return sdp_of(run, message).text or None

    @whole_sdp.setter
    def set_sdp(self, run: Run, message: Message, name: str, value: Value) -> None:
        write(run, message, "" if value is None else str(value))

    @pvar("sdp.line")
    def line_of_sdp(self, run: Run, message: Message, name: str, index: Index = None) -> Value:
        """A line of the SDP, or a word of it: $sdp.line(a=ptime[1]), $sdp.line(m=audio/[1])."""
        body = sdp_of(run, message).text
        return sdp_filters.read(body, sdp_filters.find_line(body, 0, len(body), sdp_filters.parse(name), number(index)))

    @line_of_sdp.setter
    def set_line(self, run: Run, message: Message, name: str, index: Index, value: Value) -> None:
        body = sdp_of(run, message).text
        found = sdp_filters.find_line(body, 0, len(body), sdp_filters.parse(name), number(index))
        self.change(run, message, name, found, index, value)

    @pvar("sdp.session")
    def session_of_sdp(self, run: Run, message: Message, name: str = "", index: Index = None) -> Value:
        """What stands before the streams of the SDP, or a line of it, or a word of that."""
        body = sdp_of(run, message).text
        end = sdp_filters.session_end(body)
        if not name:
            return body[:end] or None
        return sdp_filters.read(body, sdp_filters.find_line(body, 0, end, sdp_filters.parse(name), number(index)))

    @session_of_sdp.setter
    def set_session(self, run: Run, message: Message, name: str, index: Index, value: Value) -> None:
        body = sdp_of(run, message).text
        end = sdp_filters.session_end(body)
        if not name:
            write(run, message, ("" if value is None else str(value)) + body[end:])
            return
        found = sdp_filters.find_line(body, 0, end, sdp_filters.parse(name), number(index))
        self.change(run, message, name, found, index, value)

    @pvar("sdp.stream")
    def stream_of_sdp(self, run: Run, message: Message, name: str, index: Index = None) -> Value:
        """A stream of the SDP, a line of it, or a word of that: $sdp.stream(audio[1]/a=ptime)."""
        body = sdp_of(run, message).text
        return sdp_filters.read(body, sdp_filters.find_in_stream(body, sdp_filters.parse(name), number(index)))

    @stream_of_sdp.setter
    def set_stream(self, run: Run, message: Message, name: str, index: Index, value: Value) -> None:
        body = sdp_of(run, message).text
        self.change(run, message, name, sdp_filters.find_in_stream(body, sdp_filters.parse(name), number(index)), index,
                    value)

    @pvar("sdp.stream.idx")
    def line_number(self, run: Run, message: Message, name: str) -> int | None:
        """Number of the line, counted over the whole SDP, that the filter of $sdp.stream means."""
        return sdp_filters.line_number(sdp_of(run, message).text, sdp_filters.parse(name))

    def change(self, run: Run, message: Message, name: str, found: sdp_filters.Match | None, index: Index,
               value: Value) -> None:
        """Write what a filter has found, or beside it."""
        if found is None:
            self.log.error("the SDP has nothing that fits %s", name)
            return
        text = sdp_of(run, message).text
        written = None if value is None else str(value)
        if index in (sdp_filters.BEFORE, sdp_filters.BEHIND):
            text = sdp_filters.insert(text, found, written or "", behind=index == sdp_filters.BEHIND)
        else:
            text = sdp_filters.write(text, found, written)
        write(run, message, text)


def number(index: Index) -> int | None:
    """An index as a number, if it is one."""
    return index if type(index) is int else None


def sdp_of(run: Run, message: Message) -> sdp_drafts.Sdp:
    """The SDP that the variables mean: the first of the message."""
    return sdp_drafts.sdps(run, message)[0]


def write(run: Run, message: Message, written: str) -> None:
    """Make *written* the SDP."""
    sdp_drafts.write(run, message, sdp_of(run, message), written, shown=True)
