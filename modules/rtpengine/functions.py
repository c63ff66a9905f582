"""The functions of rtpengine."""
from __future__ import annotations

from typing import Annotated, Any

from opensips_py.module import Route, Run, Writable, script
from opensips_py.module.sdp_drafts import Sdp, sdps, write
from opensips_py.modules.rtpengine.asking import SET, Asking
from opensips_py.modules.rtpengine.flags import NONE, Flags, FlagsKind

Words = Annotated[Flags, FlagsKind()]
OFFERING = ("INVITE", "UPDATE")  # requests whose description is an offer, RFC 3264 and RFC 3311
ANSWERING = ("ACK", "PRACK")  # requests whose description is an answer, to an offer in a response


class Sessions(Asking):
    """Media sessions that begin, change and end."""

    registry: Any

    @script(Route.ANY)
    def rtpengine_use_set(self, run: Run, setid: int) -> bool:
        """Let the next functions of this run use the engines of set *setid*; false where there is no such set."""
        if setid not in self.relays.sets:
            return False
        run.extra = run.extra if run.extra is not None else {}
        run.extra[SET] = setid
        return True

    @script(Route.ANY, waits=True)
    def rtpengine_offer(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None,
                        sdp_var: Writable | None = None, body: str | None = None) -> bool:
        """Have an engine relay what is offered in the message, or in *body*, and offer its own addresses instead.

        *flags* are words with spaces between, among them trust-address, replace-origin, ICE=remove, via-branch=auto,
        RTP/SAVPF, to-tag=…, and any other that the engine knows; name=[…] gives lists and dictionaries. With *sdp_var*
        the engine's description goes there and the message stays as it is. *sock_var* names the engine to ask, or is
        told which one was.
        """
        return self.describe(run, "answer" if flags.force_answer else "offer", flags, sock_var, sdp_var, body)

    @script(Route.ANY, waits=True)
    def rtpengine_answer(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None,
                         sdp_var: Writable | None = None, body: str | None = None) -> bool:
        """Complete what rtpengine_offer() has begun, with the answer in the message or in *body*; of requests ACK
        and PRACK alone may have one."""
        if run.message is not None and run.message.is_request and run.message.method not in ANSWERING:
            return False
        return self.describe(run, "answer", flags, sock_var, sdp_var, body)

    @script(Route.ANY, waits=True)
    def rtpengine_delete(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """End the session of the call at its engine."""
        return self.ask(run, "delete", flags, sock_var) is not None

    @script(Route.ANY, waits=True)
    def rtpengine_manage(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None,
                         sdp_var: Writable | None = None, body: str | None = None) -> bool:
        """Do what the message asks for: offer, answer or delete.

        INVITE and UPDATE with a description offer, ACK and PRACK with one answer, BYE, CANCEL and failure routes
        delete.
        Responses to INVITE and UPDATE: from 300 on they delete, with a description they answer, or offer where the
        request had none. False for anything else.
        """
        command = self.wanted(run, body)
        if command == "delete":
            return self.rtpengine_delete(run, flags, sock_var)
        return bool(command) and self.describe(run, command, flags, sock_var, sdp_var, body)

    def wanted(self, run: Run, body: str | None) -> str:
        """What is to be done for the message at hand: offer, answer, delete, or nothing."""
        message = run.message
        if message is None:
            return ""
        method = message.cseq_method
        if run.kind == Route.FAILURE or (message.is_request and method in ("BYE", "CANCEL")):
            return "delete"
        described = body is not None or self.description(run) is not None
        if message.is_request:
            if not described:
                return ""
            return "offer" if method in OFFERING else "answer" if method in ANSWERING else ""
        if method not in (*OFFERING, "PRACK"):
            return ""
        if message.status >= 300:
            return "delete" if method == "INVITE" else ""
        if not described:
            return ""
        asked = run.request if run.transaction is not None and run.request is not message else None
        return "answer" if asked is None or any(each.received for each in sdps(run, asked)) else "offer"

    def description(self, run: Run) -> Sdp | None:
        """The session description of the message, as the script has left it; None where there is none."""
        if run.message is None:
            return None
        found = sdps(run, run.message)[0]
        return found if found.text else None

    def describe(self, run: Run, command: str, flags: Flags, sock_var: Writable | None, sdp_var: Writable | None,
                 body: str | None) -> bool:
        """Offer or answer, and put what the engine says where it belongs."""
        sdp = self.description(run)
        text = body if body is not None else sdp.text if sdp is not None else None
        if not text:
            self.fail(run, f"{command}: there is no session description")
            return False
        answer = self.ask(run, command, flags, sock_var, body=text)
        if answer is None:
            return False
        new = answer.get("sdp")
        if not isinstance(new, str):
            self.fail(run, f"{command}: an answer without a session description")
            return False
        if sdp_var is not None:
            sdp_var.set(new)
        elif sdp is not None:
            write(run, run.message, sdp, new)
        elif run.message is not None:
            write(run, run.message, sdps(run, run.message)[0], new)
        return True


class Media(Asking):
    """What is done to the media of a session."""

    @script(Route.ANY, waits=True)
    def rtpengine_start_recording(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """Have the engine record the call, or the one that call-id=… names."""
        return self.ask(run, "start recording", flags, sock_var) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_stop_recording(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """End the recording."""
        return self.ask(run, "stop recording", flags, sock_var) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_pause_recording(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """Interrupt the recording; its file stays open for rtpengine_start_recording()."""
        return self.ask(run, "pause recording", flags, sock_var) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_play_media(self, run: Run, flags: Words, duration_spec: Writable | None = None,
                             sock_var: Writable | None = None) -> bool:
        """Play file=…, blob=… or db-id=… to the party that from-tag=…, directional (the sender of the request),
        address=… or label=… names, or with all to everybody; how long it lasts (milliseconds, or -1) goes to
        *duration_spec*."""
        answer = self.ask(run, "play media", flags, sock_var)
        if answer is None:
            return False
        if duration_spec is not None:
            duration_spec.set(answer.get("duration", -1))
        return True

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_stop_media(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None,
                             last_frame_pos: Writable | None = None) -> bool:
        """End what rtpengine_play_media() began with the same *flags*; where it stopped goes to *last_frame_pos*."""
        answer = self.ask(run, "stop media", flags, sock_var)
        if answer is None:
            return False
        if last_frame_pos is not None:
            last_frame_pos.set(answer.get("last-frame-pos", -1))
        return True

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_block_media(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """Let no media through from the party that from-tag=… or directional (the sender of the request) names, else
        from anybody."""
        return self.ask(run, "block media", flags, sock_var) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_unblock_media(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """Let media through again."""
        return self.ask(run, "unblock media", flags, sock_var) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_block_dtmf(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """Let no DTMF events through from the party that from-tag=… or directional (the sender of the request) names,
        else from anybody."""
        return self.ask(run, "block DTMF", flags, sock_var) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_unblock_dtmf(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """Let DTMF events through again."""
        return self.ask(run, "unblock DTMF", flags, sock_var) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_start_forwarding(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """Send a copy of the media to where the engine's tls-send-to says; those of one party with from-tag=…."""
        return self.ask(run, "start forwarding", flags, sock_var) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_stop_forwarding(self, run: Run, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """Send no more copies."""
        return self.ask(run, "stop forwarding", flags, sock_var) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def rtpengine_play_dtmf(self, run: Run, code: str, flags: Words = NONE, sock_var: Writable | None = None) -> bool:
        """Send the DTMF event *code*, one of 0-9 * # A-D; the session needs the flag inject-DTMF."""
        if len(code) != 1 or code.upper() not in "0123456789*#ABCD":
            self.fail(run, f"{code!r} is no DTMF code")
            return False
        return self.ask(run, "play DTMF", flags, sock_var, {"code": code}) is not None
