"""Asking engines: which one, what, and what to do when it does not answer."""
from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Pattern, Run, Variable, VariableSpec, Writable
from opensips_py.module.cookies import Channels, NoAnswer
from opensips_py.module.media_relays import Relay, Relays
from opensips_py.modules.rtpengine import bencode
from opensips_py.modules.rtpengine.flags import Flags, address

if TYPE_CHECKING:
    import logging

    from opensips_py.sip import Message

SET = "rtpengine set"  # in Run.extra
FULL = ("Parallel session limit reached", "Ran out of ports", "CPU usage limit exceeded", "Load limit exceeded",
        "Bandwidth limit exceeded")  # what another engine may not say
REMEMBERED = 10_000  # calls that are not where their Call-ID says
FROM_BY_DEFAULT = frozenset(("offer", "answer", "delete", "play media", "stop media", "play DTMF", "block media",
                             "unblock media", "block DTMF", "unblock DTMF"))
Answer = dict[str, Any]


class Engines:
    """What outlives a reload: the sockets, and which calls are not at the engine that their Call-ID says."""

    def __init__(self) -> None:
        self.channels = Channels()
        self.moved: OrderedDict[str, str] = OrderedDict()
        self.used: set[str] = set()  # engines that have been asked since the last look at them


class Asking:
    """How functions ask."""

    services: Any
    log: logging.Logger
    relays: Relays
    engines: Engines
    rtpengine_tout: int
    rtpengine_retr: int
    setid_avp: VariableSpec | None
    extra_id_pv: VariableSpec | None
    error_pv: VariableSpec | None
    failover_errors: tuple[Pattern, ...]

    def ask(self, run: Run, command: str, flags: Flags, socket: Variable | None = None,
            further: dict[str, Any] | None = None, body: str | None = None) -> Answer | None:
        """The answer of the engine that a call belongs to; None where there is none, or it is an error."""
        question = self.question(run, command, flags)
        if question is None:
            self.fail(run, f"{command}: the call has no Call-ID, no tag or no branch that could be named")
            return None
        question.update(further or {})
        if body is not None:
            question["sdp"] = body
        call_id = question["call-id"]
        why = "no engine is there"
        for engine in self.candidates(run, call_id, socket):
            self.engines.used.add(engine.url)
            try:
                answer = self.exchange(engine, question)
            except NoAnswer as error:
                self.log.warning("%s", error)
                self.relays.failed(engine)
                why = str(error)
                continue
            self.relays.works(engine)
            wrong = complaint(answer)
            if wrong and self.fails_over(wrong):
                self.log.info("%s: %s", engine.url, wrong)
                why = wrong
                continue
            if wrong:
                self.fail(run, wrong, f"{engine.url}: {command} of call {call_id}")
                return None
            self.remember(call_id, engine, command)
            if isinstance(socket, Writable):
                socket.set(engine.url)
            return answer
        self.fail(run, why, f"{command} of call {call_id}")
        return None

    def fail(self, run: Run, why: str, what: str = "") -> None:
        """Say why a command has failed, to the script too."""
        self.log.error("%s", f"{what}: {why}" if what else why)
        if self.error_pv is not None and self.error_pv.write is not None:
            self.error_pv.write(run, why)

    def exchange(self, engine: Relay, question: dict[str, Any]) -> Answer:
        """Ask one engine. Waits; NoAnswer where it does not answer, or nothing that could be understood."""
        data = self.engines.channels.to(engine.url).ask(bencode.encode(question), self.rtpengine_tout,
                                                        self.rtpengine_retr)
        try:
            answer = bencode.decode(data)
        except ValueError as error:
            raise NoAnswer(f"{engine.url}: an answer that is none: {error}") from None
        if not isinstance(answer, dict):
            raise NoAnswer(f"{engine.url}: an answer that is no dictionary")
        return answer

    def candidates(self, run: Run, call_id: str, socket: Variable | None) -> list[Relay]:
        """The engines to try for a call, the best first: the one that the script names, or those of the set."""
        number = self.set_of(run)
        wanted = socket.get() if socket is not None else None
        if wanted:
            pinned = self.relays.find(number, str(wanted))
            return [] if pinned is None else [pinned]
        found = self.relays.candidates(number, call_id)
        moved = self.engines.moved.get(call_id)
        return found if moved is None else sorted(found, key=lambda each: each.url != moved)

    def set_of(self, run: Run) -> int:
        """The number of the set that the script has chosen."""
        chosen = (run.extra or {}).get(SET)
        if chosen is None and self.setid_avp is not None:
            value = self.setid_avp.read(run)
            chosen = int(value) if str(value).isdigit() else None
        return chosen or 0

    def remember(self, call_id: str, engine: Relay, command: str) -> None:
        """Later commands of a call go where the first one went, even where that was not the first choice."""
        moved = self.engines.moved
        if command == "delete":
            moved.pop(call_id, None)
            return
        best = self.relays.candidates(engine.set_id, call_id)
        if call_id in moved or not best or best[0].url != engine.url or self.was_skipped(engine, call_id):
            moved[call_id] = engine.url
            if len(moved) > REMEMBERED:
                moved.popitem(last=False)

    def was_skipped(self, engine: Relay, call_id: str) -> bool:
        """Whether a better engine of the set does not work just now: it may work again while the call lasts."""
        return any(self.relays.state(each) for each in self.relays.sets.get(engine.set_id, ()))

    def fails_over(self, why: str) -> bool:
        """Whether another engine may do what this one refuses."""
        return any(each in why for each in FULL) or any(each.matches(why) for each in self.failover_errors)

    def question(self, run: Run, command: str, flags: Flags) -> dict[str, Any] | None:
        """What to ask about the call of the message at hand; None where it lacks what has to be named."""
        found: dict[str, Any] = {**flags.entries, "command": command}
        message: Message | None = run.message
        call_id = flags.call_id if flags.call_id is not None else message.call_id if message is not None else ""
        if not call_id:
            return None
        found["call-id"] = call_id
        sender, receiver = tags(message, command)
        sender = flags.from_tag if flags.from_tag is not None else sender if command in FROM_BY_DEFAULT else ""
        if flags.to_tag is not None:
            receiver = flags.to_tag
        if sender:
            found["from-tag"] = sender
        elif command in ("offer", "answer"):
            return None
        if receiver and (command in ("offer", "answer") or flags.with_to_tag):
            found["to-tag"] = receiver
        branch = self.via_branch(run, message, flags)
        if branch is None:
            return None
        if branch:
            found["via-branch"] = branch
        if message is not None and message.listener is not None and command in ("offer", "answer"):
            found.setdefault("received-from", address(message.source_host))
        return found

    def via_branch(self, run: Run, message: Message | None, flags: Flags) -> str | None:
        """The branch that the flags ask to name; '' for none, None where there is none to name."""
        if flags.via_branch_value is not None:
            return flags.via_branch_value
        if not flags.via_branch:
            return ""
        if flags.via_branch == "extra":
            value = self.extra_id_pv.read(run) if self.extra_id_pv is not None else None
            return None if value is None else str(value)
        if message is None:
            return None
        second = flags.via_branch == "2" or (flags.via_branch == "auto" and not message.is_request)
        try:
            vias = message.vias
        except MalformedMessage:
            return None
        return vias[second].branch or None if len(vias) > second else None

    def query(self, run: Run) -> Answer | None:
        """All that an engine knows of the call at hand."""
        return self.ask(run, "query", Flags())

    def query_json(self, run: Run) -> str | None:
        """The same as JSON."""
        answer = self.query(run)
        return None if answer is None else json.dumps(answer)


def tags(message: Message | None, command: str) -> tuple[str, str]:
    """The tags of who has made the offer and of the other party.

    An offer in a response and an answer in a request are made by, or for, the party in To: RFC 3264 late offers.
    """
    if message is None:
        return "", ""
    sides = message.from_tag, message.to_tag
    if command == ("answer" if message.is_request else "offer"):
        return sides[1], sides[0]
    return sides


def complaint(answer: Answer) -> str:
    """Why an engine refuses; '' where it does not."""
    result = answer.get("result")
    if result in ("ok", "pong"):
        return ""
    return str(answer.get("error-reason") or answer.get("message") or result or "an answer without a result")
