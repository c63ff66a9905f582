"""rtpproxy_offer and rtpproxy_answer: media through a relay."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Route, Run, Writable, script
from opensips_py.module.cookies import NoAnswer
from opensips_py.module.media_relays import Relay, sides
from opensips_py.module.sdp_drafts import Sdp, sdps, write
from opensips_py.modules.rtpproxy.asking import Asking, Refused
from opensips_py.modules.rtpproxy.describing import Description, Stream
from opensips_py.modules.rtpproxy.flags import NONE, Flags, FlagsKind
from opensips_py.sip import Uri, is_ip

if TYPE_CHECKING:
    from opensips_py.sip import Message

Letters = Annotated[Flags, FlagsKind()]
ROUTES = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL
NOBODY = "dummy"  # the other party of a session that is only looked up
DTMF_CATCHER = " && M3:1 D"  # the part of a relay that tells of DTMF, and what it is told


class Sessions(Asking):
    """Sessions that begin, change and end."""

    nortpproxy_str: str
    rtpproxy_autobridge: bool
    rtpp_notify_socket: str
    dialog: Any

    @script(ROUTES, waits=True)
    def rtpproxy_offer(self, run: Run, flags: Letters = NONE, ip_address: str | None = None, set_id: int | None = None,
                       sock_var: Writable | None = None, ret_var: Writable | None = None,
                       body_var: Writable | None = None, bind_local: str | None = None) -> bool:
        """Have a relay take what is offered in the message, or in *body_var*, and offer its address, or *ip_address*,
        instead. False where there is no description, it has been changed already, or no relay answers.

        *flags*: a asymmetric, s and w symmetric, i and e the inner and outer side of a relay between two networks,
        r trust the addresses in the description, o and c change the o= line and the session's c= line, too, f change
        what has nortpproxy_str, l only look a session up, k change nothing in the message, n tell when media end (it
        needs module dialog), d or d*type* tell of DTMF, t and T with the seconds that either side may be silent, z with
        the milliseconds that packets are to have. *sock_var* gets the relay, *ret_var* its IP:port; *bind_local* is
        the address that the relay is to use.
        """
        return self.describe(run, True, flags, ip_address, set_id, sock_var, ret_var, body_var, bind_local)

    @script(ROUTES, waits=True)
    def rtpproxy_answer(self, run: Run, flags: Letters = NONE, ip_address: str | None = None, set_id: int | None = None,
                        sock_var: Writable | None = None, ret_var: Writable | None = None,
                        body_var: Writable | None = None, bind_local: str | None = None) -> bool:
        """Complete what rtpproxy_offer() has begun, with the answer in the message or in *body_var*."""
        return self.describe(run, False, flags, ip_address, set_id, sock_var, ret_var, body_var, bind_local)

    @script(ROUTES, waits=True)
    def rtpproxy_unforce(self, message: Message, set_id: int | None = None,
                         sock_var: Writable | None = None) -> bool:
        """End the session of the call at its relay; false where there is none."""
        return self.end_session(message, set_id, sock_var)

    def end_session(self, call: Any, set_id: int | None, sock_var: Writable | None) -> bool:
        """End the session of a message's *call*, or of a dialog; false where there is none."""
        text = f"D {call.call_id} {call.from_tag}" + (f" {call.to_tag}" if call.to_tag else "")
        answer = self.command(call.call_id, set_id, sock_var, text)
        self.proxies.homes.forget(call.call_id)
        return answer is not None

    @script(ROUTES, waits=True, dialect="2.1")
    def unforce_rtp_proxy(self, message: Message, set_id: int | None = None,
                          sock_var: Writable | None = None) -> bool:
        """The old name of rtpproxy_unforce()."""
        return self.rtpproxy_unforce(message, set_id, sock_var)

    def describe(self, run: Run, offers: bool, flags: Flags, host: str | None, set_id: int | None,
                 sock_var: Writable | None, ret_var: Writable | None, body_var: Writable | None,
                 bind_local: str | None) -> bool:
        """Offer or answer, and put the relay's addresses where they belong."""
        sdp = sdps(run, run.message)[0]
        text = str(body_var.get() or "") if body_var is not None else sdp.text
        mark = self.nortpproxy_str.strip()
        if not text or (mark and not flags.forces and mark in text.splitlines()):
            return False
        try:
            description = Description.parse(text)
            head = self.head(run, offers, flags, bind_local)
        except ValueError as error:
            self.log.error("%s", error)
            return False
        if not description.relayed or not self.relay_streams(run, description, flags, host, set_id, sock_var, head):
            return False
        place = next(each.relay for each in description.streams if each.relay is not None)
        if ret_var is not None:
            ret_var.set(f"{place[0]}:{place[1]}")
        if not flags.keeps_body:
            self.put(run, sdp, description.written(flags.origin, flags.session, mark), body_var)
        return True

    def put(self, run: Run, sdp: Sdp, text: str, body_var: Writable | None) -> None:
        """Put a description where it belongs."""
        if body_var is not None:
            body_var.set(text)
        else:
            write(run, run.message, sdp, text)

    def head(self, run: Run, offers: bool, flags: Flags, bind_local: str | None) -> Head:
        """What all commands for the streams of a description have in common; ValueError where something lacks."""
        message: Message = run.message
        sender, receiver = sides(message, not offers)
        creates = offers and not flags.lookup
        if flags.lookup:
            sender, receiver = message.from_tag, message.to_tag or NOBODY
            if offers:
                sender, receiver = receiver, sender
        elif not sender or (not offers and not receiver):
            raise ValueError("the call has not the tags that are needed")
        modifiers = flags.modifiers
        if self.rtpproxy_autobridge and (far := far_host(run)):
            modifiers += f"R{far}"
        if bind_local:
            modifiers += f"l{bind_local}"
        notify, catcher = self.notification(message.call_id, flags)
        return Head("U" if creates else "L", modifiers + flags.repacketize, flags.timers, message.call_id, sender,
                    receiver, notify if creates else "", catcher)

    def notification(self, call_id: str, flags: Flags) -> tuple[str, str]:
        """Where a relay is to tell of the session, with what it is to say, and how it is to look for DTMF."""
        if not flags.notifies and flags.dtmf is None:
            return "", ""
        socket = flags.notify_socket or self.rtpp_notify_socket
        if not socket:
            raise ValueError("the flags n and d need rtpp_notify_socket")
        if flags.notifies and self.dialog is None:
            raise ValueError("the flag n needs module dialog, which ends the call")
        tag = f"T{call_id}" if flags.notifies else "I"
        catcher = "" if flags.dtmf is None else f"{DTMF_CATCHER}c{call_id}" + (f" {flags.dtmf}" if flags.dtmf else "")
        return f" {socket} {tag}", catcher

    def relay_streams(self, run: Run, description: Description, flags: Flags, host: str | None, set_id: int | None,
                      sock_var: Writable | None, head: Head) -> bool:
        """Have the first relay that answers take all streams."""
        for relay in self.candidates(set_id, head.call_id):
            try:
                for stream in description.relayed:
                    stream.relay = self.relay_stream(run, relay, description, stream, flags, host, head)
            except NoAnswer as error:
                self.gone(relay, error)
                continue
            except (Refused, ValueError) as error:
                self.relays.works(relay)
                self.log.error("%s: %s", relay.url, error)
                return False
            self.proxies.homes.note(self.relays, relay, head.call_id)
            self.chosen(relay, sock_var)
            return True
        self.log.error("no relay is there for call %s", head.call_id)
        return False

    def relay_stream(self, run: Run, relay: Relay, description: Description, stream: Stream, flags: Flags,
                     host: str | None, head: Head) -> tuple[str, int]:
        """The address and port at which a relay takes a stream."""
        address = description.address(stream)
        if not is_ip(address):
            raise ValueError(f"a stream without an address: {address!r}")
        if not flags.trusts and run.message.listener is not None:  # a request of our own comes from nowhere
            address = run.message.source_host
        answer = self.ask(relay, head.command(stream, address)).split()
        if not answer or not answer[0].isdecimal() or not 0 < int(answer[0]) < 65536:
            raise ValueError(f"no port for stream {stream.number}: {' '.join(answer)!r}")
        listener = run.message.listener or self.services.transports.listeners[0]
        own = answer[1] if len(answer) > 1 else listener.host
        return (host or relay.advertised or own).strip("[]"), int(answer[0])


class Head:
    """What the commands for all streams of a description have in common."""

    def __init__(self, letter: str, modifiers: str, timers: str, call_id: str, sender: str, receiver: str,
                 notify: str, catcher: str) -> None:
        self.letter, self.modifiers, self.timers = letter, modifiers, timers
        self.call_id, self.sender, self.receiver = call_id, sender, receiver
        self.notify, self.catcher = notify, catcher

    def command(self, stream: Stream, address: str) -> str:
        """The command for one stream, whose sender is at *address*."""
        types = ",".join(each for each in stream.formats if each.isdecimal())
        family = "6" if ":" in address else ""
        tags = f"{self.sender};{stream.number}" + (f" {self.receiver};{stream.number}" if self.receiver else "")
        return (f"{self.letter}{self.modifiers}{family}{f'c{types}' if types else ''}{self.timers} {self.call_id} "
                f"{address} {stream.port} {tags}{self.notify}{self.catcher}")


def far_host(run: Run) -> str:
    """The address of the other side, where the message goes next; '' where that is given by name."""
    message: Message = run.message
    try:
        if message.is_request:
            host = Uri.parse(message.destination or message.uri).host  # type: ignore[attr-defined]
        else:
            via = message.vias[1]
            host = via.received or via.host
    except (MalformedMessage, IndexError):
        return ""
    return host if is_ip(host) else ""



