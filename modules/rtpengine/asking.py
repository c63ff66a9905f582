"""Asking engines: which one, what, and what to do when it does not answer."""
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Dialect, Pattern, Run, Variable, VariableSpec, Writable
from opensips_py.module.cookies import Channels, NoAnswer
from opensips_py.module.media_relays import Homes, Relay, Relays
from opensips_py.modules.rtpengine import bencode
from opensips_py.modules.rtpengine.flags import Flags, address

if TYPE_CHECKING:
    import logging

    from opensips_py.sip import Message

SET, KNOWN = "rtpengine set", "rtpengine answer"  # in Run.extra
FULL = ("Parallel session limit reached", "Ran out of ports", "CPU usage limit exceeded", "Load limit exceeded",
        "Bandwidth limit exceeded")  # what another engine may not say
OF_DESCRIPTIONS = ("direction", "replace", "rtcp-mux")  # entries of offers and answers alone
MEDIA = frozenset(("play media", "stop media", "block media", "unblock media", "block DTMF", "unblock DTMF",
                   "start forwarding", "stop forwarding"))  # what is done to the media of all, or of a party named
Answer = dict[str, Any]


class Engines:
    """What outlives a reload: the sockets, and where calls are."""

    def __init__(self) -> None:
        self.channels = Channels()
        self.homes = Homes()
        self.used: set[str] = set()  # engines that have been asked since the last look at them


class Asking:
    """How functions ask."""

    services: Any
    dialect: Dialect
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
        try:
            question = self.question(run, command, flags)
        except ValueError as error:
            self.fail(run, str(error))
            return None
        question.update(further or {})
        if body is not None:
            question["sdp"] = body
        call_id = question["call-id"]
        why = "no available proxies"
        for engine in self.candidates(run, command, call_id, socket):
            self.engines.used.add(engine.url)
            try:
                answer = self.exchange(engine, question)
            except NoAnswer as error:
                self.log.warning("%s", error)
                self.relays.failed(engine)
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
            if command == "delete":
                self.engines.homes.forget(call_id)
            else:
                self.engines.homes.note(self.relays, engine, call_id)
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

    def candidates(self, run: Run, command: str, call_id: str, socket: Variable | None) -> list[Relay]:
        """The engines to try for a call, the best first: the one that the script names, which for an offer need not be
        there, and those of the set."""
        number = self.set_of(run)
        wanted = socket.get() if socket is not None else None
        if wanted:
            pinned = self.relays.find(number, str(wanted))
            others = self.engines.homes.candidates(self.relays, number, call_id) if command == "offer" else []
            return others if pinned is None else [pinned, *(each for each in others if each is not pinned)]
        return self.engines.homes.candidates(self.relays, number, call_id)

    def set_of(self, run: Run) -> int:
        """The number of the set that the script has chosen."""
        chosen = (run.extra or {}).get(SET)
        if chosen is None and self.setid_avp is not None:
            value = self.setid_avp.read(run)
            chosen = int(value) if str(value).isdigit() else None
        return chosen or 0

    def fails_over(self, why: str) -> bool:
        """Whether another engine may do what this one refuses."""
        return any(each in why for each in FULL) or any(each.matches(why) for each in self.failover_errors)

    def question(self, run: Run, command: str, flags: Flags) -> dict[str, Any]:
        """What to ask about the call of the message at hand; ValueError says what it lacks."""
        found: dict[str, Any] = {**flags.entries, "command": command}
        describes = command in ("offer", "answer")
        if not describes:
            for name in OF_DESCRIPTIONS:
                found.pop(name, None)
        message: Message | None = run.message
        own = message.call_id if message is not None else ""
        found["call-id"] = own if flags.call_id is None else flags.call_id
        if not found["call-id"]:
            raise ValueError("can't get Call-Id field")
        branch = self.via_branch(run, message, flags)
        if branch is None:
            raise ValueError("can't get Via branch/extra ID")
        if branch:
            found["via-branch"] = branch
        if message is not None and message.listener is not None:
            found.setdefault("received-from", address(message.source_host))
        found.update(self.tags(message, command, flags))
        if describes and not found.get("from-tag"):
            raise ValueError("can't get From tag")
        return found

    def tags(self, message: Message | None, command: str, flags: Flags) -> dict[str, str]:
        """The tags of the parties. from-tag is that of who sends the message, as long as nobody is named and both are
        of interest; to-tag that of the other."""
        sender, receiver = (message.from_tag, message.to_tag) if message is not None else ("", "")
        sender = sender if flags.from_tag is None else flags.from_tag
        receiver = receiver if flags.to_tag is None else flags.to_tag
        if command in MEDIA:
            return {"from-tag": sender} if flags.directional and sender else {}
        if command == "delete":  # all of the call, in 4.0
            found = {"from-tag": sender if self.dialect == "2.1" else "",
                     "to-tag": receiver if flags.with_to_tag else ""}
        elif flags.directional or message is None or message.is_request != (command == "answer"):
            found = {"from-tag": sender, "to-tag": receiver}
        elif not receiver:
            raise ValueError("No to-tag present")
        else:
            found = {"from-tag": receiver, "to-tag": sender}
        if command == "play DTMF":
            del found["to-tag"]
        return {name: tag for name, tag in found.items() if tag}

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
        """All that an engine knows of the call at hand; in 4.0 it is asked once for a message."""
        if self.dialect == "2.1":
            return self.ask(run, "query", Flags())
        run.extra = run.extra if run.extra is not None else {}
        if KNOWN not in run.extra:
            run.extra[KNOWN] = self.ask(run, "query", Flags())
        found: Answer | None = run.extra[KNOWN]
        return found

    def query_json(self, run: Run) -> str | None:
        """The same as JSON."""
        answer = self.query(run)
        return None if answer is None else json.dumps(answer, separators=(",", ":"))


def complaint(answer: Answer) -> str:
    """Why an engine refuses; '' where it does not."""
    result = answer.get("result")
    if result in ("ok", "pong"):
        return ""
    return str(answer.get("error-reason") or answer.get("message") or result or "an answer without a result")
