"""What is done with the media of a session: prompts, recordings, figures."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.module import Route, Run, Writable, script
from opensips_py.module.sdp_drafts import sdps
from opensips_py.modules.rtpproxy.asking import Asking
from opensips_py.modules.rtpproxy.describing import Description
from opensips_py.modules.rtpproxy.sessions import ROUTES

if TYPE_CHECKING:
    from opensips_py.sip import Message

STREAMING = Route.REQUEST | Route.ONREPLY | Route.LOCAL
RECORDING = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH
FIGURES = ("ttl", "npkts_ina", "npkts_ino", "nrelayed", "ndropped", "rtpa_nsent", "rtpa_nrcvd", "rtpa_ndups",
           "rtpa_nlost", "rtpa_perrs")


class Prompts(Asking):
    """Prompts for either side of a call; its session has to be there already."""

    @script(STREAMING, waits=True)
    def rtpproxy_stream2uac(self, message: Message, prompt_name: str, count: int, set_id: int | None = None,
                            sock_var: Writable | None = None) -> bool:
        """Play a prompt, made by makeann, *count* times to the client of the transaction; -1: until it is stopped."""
        return self.play(message, True, f"P{count}", f" {prompt_name} session", set_id, sock_var)

    @script(STREAMING, waits=True)
    def rtpproxy_stream2uas(self, message: Message, prompt_name: str, count: int, set_id: int | None = None,
                            sock_var: Writable | None = None) -> bool:
        """Play a prompt to the server of the transaction; false while it has no tag."""
        return self.play(message, False, f"P{count}", f" {prompt_name} session", set_id, sock_var)

    @script(STREAMING, waits=True)
    def rtpproxy_stop_stream2uac(self, message: Message, set_id: int | None = None,
                                 sock_var: Writable | None = None) -> bool:
        """End the prompt for the client of the transaction."""
        return self.play(message, True, "S", "", set_id, sock_var)

    @script(STREAMING, waits=True)
    def rtpproxy_stop_stream2uas(self, message: Message, set_id: int | None = None,
                                 sock_var: Writable | None = None) -> bool:
        """End the prompt for the server of the transaction."""
        return self.play(message, False, "S", "", set_id, sock_var)

    def play(self, message: Message, to_client: bool, command: str, what: str, set_id: int | None,
             sock_var: Writable | None) -> bool:
        """Begin or end a prompt; the first tag names who hears it."""
        hears, other = message.from_tag, message.to_tag
        if not to_client:
            hears, other = other, hears
        if not hears:
            return False
        text = f"{command} {message.call_id}{what} {hears};1" + (f" {other};1" if other else "")
        return self.command(message.call_id, set_id, sock_var, text) is not None


class Recordings(Asking):
    """Recordings of sessions."""

    @script(RECORDING, waits=True)
    def rtpproxy_start_recording(self, run: Run, message: Message, set_id: int | None = None,
                                 sock_var: Writable | None = None, flags: str | None = None,
                                 destination: str | None = None, mediastream: int | None = None) -> bool:
        """Record the media of the call where the relay keeps recordings, or in *destination*: a name there, or
        udp:address:port for a copy. *flags*: s, both sides in one file. *mediastream* counts from 1; without it all
        streams are copied."""
        if flags is not None and flags.strip() not in ("", "s"):
            self.log.error("rtpproxy_start_recording: %r is no flag, there is s", flags)
            return False
        call_id, sides = message.call_id, [each for each in (message.from_tag, message.to_tag) if each]
        if destination is None:
            text = f"R{(flags or '').strip()} {call_id} {' '.join(sides)}"
            return self.command(call_id, set_id, sock_var, text) is not None
        numbers = [mediastream] if mediastream else self.stream_numbers(run)
        for number in numbers:
            tags = " ".join(f"{each};{number}" for each in sides)
            if self.command(call_id, set_id, sock_var,
                            f"C{(flags or '').strip()} {call_id} {destination} {tags}") is None:
                return False
        return True

    @script(RECORDING, waits=True, dialect="2.1")
    def start_recording(self, run: Run, message: Message, set_id: int | None = None,
                        sock_var: Writable | None = None) -> bool:
        """The old name of rtpproxy_start_recording()."""
        return self.rtpproxy_start_recording(run, message, set_id, sock_var)

    def stream_numbers(self, run: Run) -> list[int]:
        """The numbers of the streams in the description at hand; the first alone where there is none."""
        try:
            return [each.number for each in Description.parse(sdps(run, run.message)[0].text).relayed] or [1]
        except ValueError:
            return [1]


class Figures(Asking):
    """What a relay has counted."""

    @script(ROUTES, waits=True, dialect="4.0")
    def rtpproxy_stats(self, message: Message, up_var: Writable, down_var: Writable, sent_var: Writable,
                       fail_var: Writable, set_id: int | None = None, sock_var: Writable | None = None) -> bool:
        """Packets of the call: from the caller, from the callee, sent on, and lost."""
        answer = self.command(message.call_id, set_id, sock_var, f"Q {session(message)}")
        words = (answer or "").split()
        if len(words) < 5 or not all(each.isdecimal() for each in words[:5]):
            return False
        for variable, word in zip((up_var, down_var, sent_var, fail_var), words[1:5], strict=True):
            variable.set(int(word))
        return True

    @script(ROUTES, waits=True, dialect="4.0")
    def rtpproxy_all_stats(self, message: Message, stats_avp: Writable, set_id: int | None = None,
                           sock_var: Writable | None = None) -> bool:
        """All figures of the call as values of an AVP, by index: 0 the seconds left, packets 1 from the caller, 2 from
        the callee, 3 relayed, 4 dropped; of RTP 5 sent, 6 received, 7 twice, 8 lost, 9 with errors."""
        values: list[str] = []
        for names in (FIGURES[:5], FIGURES[5:]):  # as many as one command may ask for
            answer = self.command(message.call_id, set_id, sock_var, f"Q {session(message)} {' '.join(names)}")
            values += (answer or "").split()
        if len(values) != len(FIGURES) or not all(each.lstrip("-").isdecimal() for each in values):
            return False
        for value in reversed(values):
            stats_avp.set(int(value))
        return True


def session(message: Message) -> str:
    """The session of a message's call as commands name it."""
    return f"{message.call_id} {message.from_tag};1" + (f" {message.to_tag};1" if message.to_tag else "")
