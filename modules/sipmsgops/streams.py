"""Functions on the codecs and streams of the SDPs in a message."""
from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from opensips_py.module import Pattern, Regex, ReturnCode, Run, script
from opensips_py.module.sdp_drafts import Sdp, sdps, write
from opensips_py.modules.sipmsgops import codecs
from opensips_py.modules.sipmsgops.codecs import Chosen, Stream
from opensips_py.modules.sipmsgops.parts import parts_now
from opensips_py.modules.sipmsgops.words import EVERYWHERE
from opensips_py.sip import Message

Expression = Annotated[Pattern, Regex(ignore_case=True)]


class Hold(ReturnCode):
    """How an audio stream is on hold."""

    NULL_ADDRESS, DIRECTION, NOT_HELD = 1, 2, -1


class Codecs:
    """Codecs by name and, where it is given, clock rate, in any case. What they change shows to all of them at once; a
    payload type without rtpmap is the codec that RFC 3551 gives it."""

    @script(EVERYWHERE)
    def codec_exists(self, run: Run, message: Message, name: str, clock: str | None = None) -> bool:
        """Whether a stream offers the codec."""
        return exists(run, message, named(name, clock))

    @script(EVERYWHERE)
    def codec_exists_re(self, run: Run, message: Message, regexp: Expression) -> bool:
        """Whether a stream offers a codec whose name matches."""
        return exists(run, message, matching(regexp))

    @script(EVERYWHERE)
    def codec_delete(self, run: Run, message: Message, name: str, clock: str | None = None) -> bool:
        """Take the codec out of all streams; a stream that has no other is refused (port 0). False where none has it.
        """
        return delete(run, message, named(name, clock))

    @script(EVERYWHERE)
    def codec_delete_re(self, run: Run, message: Message, regexp: Expression) -> bool:
        """Take the codecs whose name matches out of all streams; false where none has one."""
        return delete(run, message, matching(regexp))

    @script(EVERYWHERE)
    def codec_delete_except_re(self, run: Run, message: Message, regexp: Expression) -> bool:
        """Take all codecs but those whose name matches out of all streams; false where none has another."""
        return delete(run, message, lambda name, clock: not regexp.matches(name))

    @script(EVERYWHERE)
    def codec_move_up(self, run: Run, message: Message, name: str, clock: str | None = None) -> bool:
        """Make the codec the preferred one of each stream that has it; false where none has it."""
        return move(run, message, named(name, clock), up=True)

    @script(EVERYWHERE)
    def codec_move_up_re(self, run: Run, message: Message, regexp: Expression) -> bool:
        """Put the codecs whose name matches first, in their old order; false where there is none."""
        return move(run, message, matching(regexp), up=True)

    @script(EVERYWHERE)
    def codec_move_down(self, run: Run, message: Message, name: str, clock: str | None = None) -> bool:
        """Make the codec the last choice in each stream that has it; false where none has it."""
        return move(run, message, named(name, clock), up=False)

    @script(EVERYWHERE)
    def codec_move_down_re(self, run: Run, message: Message, regexp: Expression) -> bool:
        """Put the codecs whose name matches last, in their old order; false where there is none."""
        return move(run, message, matching(regexp), up=False)


class Streams:
    """Functions on whole streams."""

    @script(EVERYWHERE, dialect="2.1", name="stream_exists")
    def has_stream(self, run: Run, message: Message, regexp: Expression) -> bool:
        """Whether there is a stream whose media (audio, image ...) matches."""
        return self.stream_exists(run, message, regexp)

    @script(EVERYWHERE, dialect="4.0")
    def stream_exists(self, run: Run, message: Message, regexp: Expression, regexp2: Expression | None = None) -> bool:
        """Whether there is a stream whose media (audio, image ...) matches, and its transport (RTP/SAVP ...), too."""
        wanted = stream_matching(regexp, regexp2)
        return any(wanted(each) for sdp in sdps_left(run, message) for each in codecs.cut(sdp.text)[1])

    @script(EVERYWHERE, dialect="2.1", name="stream_delete")
    def delete_stream(self, run: Run, message: Message, regexp: Expression) -> bool:
        """Take the streams whose media matches away, with all their lines; false where there is none."""
        return self.stream_delete(run, message, regexp)

    @script(EVERYWHERE, dialect="4.0")
    def stream_delete(self, run: Run, message: Message, regexp: Expression, regexp2: Expression | None = None) -> bool:
        """Take the streams whose media, and whose transport, matches away, with all their lines; false where there is
        none."""
        wanted = stream_matching(regexp, regexp2)
        return change(run, message, lambda text: codecs.without_streams(text, wanted))

    @script(EVERYWHERE, dialect="2.1", name="is_audio_on_hold")
    def is_on_hold(self, run: Run, message: Message) -> bool:
        """Whether an audio stream is on hold: by a null address, or by sendonly or inactive."""
        return any(codecs.hold_of(each.text) for each in sdps_left(run, message))

    @script(EVERYWHERE, dialect="4.0")
    def is_audio_on_hold(self, run: Run, message: Message) -> Hold:
        """Whether an audio stream is on hold: 1 by a null address (RFC 2543), 2 by sendonly or inactive (RFC 3264)."""
        return Hold(next((hold for each in sdps_left(run, message) if (hold := codecs.hold_of(each.text))), -1))


def named(name: str, clock: str | None) -> Chosen:
    """The codecs of that name and, unless None, clock rate."""
    return lambda each, rate: each.lower() == name.lower() and (clock is None or rate.lower() == clock.lower())


def matching(expression: Pattern) -> Chosen:
    """The codecs whose name matches."""
    return lambda name, clock: expression.matches(name)


def stream_matching(media: Pattern, protocol: Pattern | None) -> Callable[[Stream], bool]:
    """The streams whose media and, unless None, transport match."""
    return lambda stream: media.matches(stream.media) and (protocol is None or protocol.matches(stream.protocol))


def sdps_left(run: Run, message: Message) -> list[Sdp]:
    """The SDPs that leave: one whose part the script has removed is none, though its text is still at hand."""
    now = parts_now(run, message)
    gone = {message.body_offset + now.received[number].start for number in now.gone}
    return [each for each in sdps(run, message) if each.start not in gone]


def exists(run: Run, message: Message, chosen: Chosen) -> bool:
    """Whether an SDP has a codec that is meant."""
    return any(codecs.exists(each.text, chosen) for each in sdps_left(run, message))


def delete(run: Run, message: Message, chosen: Chosen) -> bool:
    """Take codecs away; whether there were any."""
    return change(run, message, lambda text: codecs.deleted(text, chosen))


def move(run: Run, message: Message, chosen: Chosen, *, up: bool) -> bool:
    """Put codecs first or last; whether there were any."""
    change(run, message, lambda text: codecs.moved(text, chosen, up=up))
    return exists(run, message, chosen)


def change(run: Run, message: Message, make: Callable[[str], str]) -> bool:
    """Change each SDP; whether one has become another."""
    done = False
    for sdp in sdps_left(run, message):
        text = make(sdp.text)
        if text != sdp.text:
            write(run, message, sdp, text)
            done = True
    return done
