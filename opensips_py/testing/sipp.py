"""SIPp scenarios played against a server under test: what one has for the load generator serves as a test as well."""
from __future__ import annotations

import itertools
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from opensips_py.errors import ConfigError
from opensips_py.sip import Request, Response
from opensips_py.testing.network import Sent

if TYPE_CHECKING:
    from opensips_py.testing.server import Server

Message = Request | Response
KEYWORD = re.compile(r"\[([^\[\]\n]+)\]")
CALLS = itertools.count(1)
LONGEST = 600.0  # seconds of the test's clock that a scenario may take


class Scenario:
    """One run of the SIPp scenario in the file *path*, by a program at *host* and *port*.

    *fields* are the values of [field0], [field1] ..., *keys* those of further keywords, *service* that of [service].
    Understood are send, recv (request, response, optional, rrs, timeout), pause, nop and the actions ereg and log;
    anything else is a ConfigError, for a step left out would prove nothing.
    """

    def __init__(self, server: Server, path: str | os.PathLike[str], host: str, port: int = 5060, *,
                 protocol: str = "udp", service: str = "service", fields: Sequence[str] = (),
                 keys: Mapping[str, str] | None = None) -> None:
        self.server, self.name, self.host, self.port, self.protocol = server, os.fspath(path), host, port, protocol
        self.number = next(CALLS)
        at = server.listener(protocol)
        self.values = {
            "service": service, "remote_ip": at.host, "remote_port": str(at.port), "local_ip": host,
            "local_port": str(port), "local_ip_type": "6" if ":" in host else "4", "transport": protocol.upper(),
            "media_ip": host, "media_port": "40000", "media_ip_type": "4", "call_number": str(self.number),
            "call_id": f"{self.number}-test@{host}", "pid": "1", "cseq": "1", "user": service,
            **{f"field{index}": value for index, value in enumerate(fields)}, **(keys or {})}
        self.inbox: list[Sent] = []
        self.last: Message | None = None
        self.routes: list[str] = []
        self.target = ""  # where requests in the dialog go: the Contact of the peer
        self.until = 0.0  # of the pause, or of the wait, at hand
        self.branches = 0
        self.logged: list[str] = []
        try:
            self.steps = list(ElementTree.parse(self.name).getroot())
        except ElementTree.ParseError as error:
            raise ConfigError(f"{self.name}: {error}") from None
        for step in self.steps:
            if step.tag not in STEPS:
                raise ConfigError(f"{self.name}: <{step.tag}> is not understood here")
        self.at = 0
        server.watchers.append(self._watch)

    def _watch(self, sent: Sent) -> None:
        if (sent.protocol, sent.host, sent.port) == (self.protocol, self.host, self.port):
            self.inbox.append(sent)

    @property
    def is_over(self) -> bool:
        """Whether every step has been taken; optional messages at the end are not waited for."""
        return all(optional(step) for step in self.steps[self.at:])

    def __str__(self) -> str:
        step = self.steps[self.at] if not self.is_over else None
        doing = "over" if step is None else f"step {self.at + 1}, <{step.tag} {wanted(step)}>"
        return f"{self.name} ({doing}; received: {', '.join(map(str, self.inbox)) or 'nothing'})"

    def go(self) -> bool:
        """Take the next step if it can be taken now; whether it was."""
        if self.at >= len(self.steps):
            return False
        step = self.steps[self.at]
        if not STEPS[step.tag](self, step):
            return False
        self.at += 1
        self.until = 0.0
        return True

    # --- steps

    def send(self, step: ElementTree.Element) -> bool:
        """<send>: fill in the keywords and send."""
        text = (step.text or "").strip("\n\r\t ")
        head, gap, body = text.partition("\n\n") if "\n\n" in text else (text, "", "")
        lines = [self.filled(line.strip()) for line in head.splitlines()]
        content = "\r\n".join(self.filled(line.strip()) for line in body.splitlines())
        content += "\r\n" if gap and content else ""
        self.branches += lines[0].startswith("SIP/2.0") is False
        whole = "\r\n".join(line for line in lines if line).replace("[len]", str(len(content.encode())))
        self.server.receive(f"{whole}\r\n\r\n{content}", self.host, self.port, self.protocol)
        return True

    def receive(self, step: ElementTree.Element) -> bool:
        """<recv>: the next message has to be this one, or one that a later step may receive instead."""
        while self.inbox:
            first = self.inbox[0]
            if fits(step, first):
                self.take(self.inbox.pop(0), step)
                return True
            if optional(step):
                return True
            if first.message.call_id != self.values["call_id"] or self.seen(first):
                del self.inbox[0]  # of another call, or a retransmission
                continue
            raise AssertionError(f"{self}: not what it waits for")
        if optional(step):
            return self.later_ones_came()
        timeout = float(step.get("timeout", 0)) / 1000
        if timeout and self.waited(timeout):
            raise AssertionError(f"{self}: nothing came for {timeout:g} s")
        return False

    def later_ones_came(self) -> bool:
        """Whether what an optional step waits for can be passed over: only once something else has come."""
        return bool(self.inbox)

    def seen(self, sent: Sent) -> bool:
        """Whether *sent* is the last message once more, or a provisional response that nobody asked for."""
        return 100 <= sent.status < 200 or (self.last is not None and sent.data == self.last.data)

    def take(self, sent: Sent, step: ElementTree.Element) -> None:
        """Keep what later steps need of a message."""
        self.last = message = sent.message
        self.values["call_id"] = message.call_id
        if step.get("rrs") == "true":
            values = [message.data[each.start:each.end].decode("utf-8", "surrogateescape")
                      for each in message.record_routes]
            self.routes = values[::-1] if isinstance(message, Response) else values
            if message.contacts:
                self.target = message.contacts[0].uri
        for action in step.iter():
            if action.tag == "ereg":
                self.search(action, message)
            elif action.tag == "log":
                self.logged.append(self.filled(action.get("message", "")))
            elif action.tag not in ("recv", "action"):
                raise ConfigError(f"{self.name}: <{action.tag}> is not understood here")

    def search(self, action: ElementTree.Element, message: Message) -> None:
        """<ereg>: keep what the expression finds in a header or in the whole message."""
        text = message.data.decode("utf-8", "surrogateescape")
        if action.get("search_in") == "hdr":
            found = [each.value for each in message.headers(action.get("header", "").rstrip(":"))]
            place = int(action.get("occurence", action.get("occurrence", "1"))) - 1
            text = found[place] if place < len(found) else ""
        match = re.search(action.get("regexp", ""), text)
        if match is None and action.get("check_it") == "true":
            raise AssertionError(f"{self}: {action.get('regexp')!r} is not in {text!r}")
        names = [name.strip() for name in action.get("assign_to", "").split(",")]
        groups = [match.group(0), *match.groups()] if match is not None else []
        for name, value in itertools.zip_longest(names, groups[:len(names)], fillvalue=""):
            self.values[f"${name}"] = value or ""

    def pause(self, step: ElementTree.Element) -> bool:
        """<pause>: wait on the clock of the test."""
        return self.waited(float(step.get("milliseconds", 0)) / 1000)

    def nothing(self, step: ElementTree.Element) -> bool:
        """<nop>."""
        return True

    def waited(self, seconds: float) -> bool:
        """Whether *seconds* have passed since this step was first tried."""
        now = self.server.clock.passed
        self.until = self.until or now + seconds
        return now >= self.until - 1e-9

    # --- keywords

    def filled(self, line: str) -> str:
        """*line* with its keywords replaced; [len] stays until the body is known."""
        return KEYWORD.sub(lambda match: self.value(match[1]), line)

    def value(self, word: str) -> str:
        """What the keyword *word* stands for."""
        if word == "len":
            return "[len]"
        if word == "branch" or word.startswith("branch"):
            return f"z9hG4bK-{self.number}-{self.branches}"
        if word == "routes":
            return f"Route: {', '.join(self.routes)}" if self.routes else ""
        if word == "next_url":
            return self.target
        if word.startswith("last_"):
            return self.copied(word.removeprefix("last_"))
        if word in ("peer_tag_param", "peer_tag"):
            tag = self.last.to_tag if isinstance(self.last, Response) else self.last.from_tag if self.last else ""
            return tag if word == "peer_tag" or not tag else f";tag={tag}"
        name, plus, number = word.partition("+")
        if plus and self.values.get(name, "").isdigit():
            return str(int(self.values[name]) + int(number))
        if word in self.values:
            return self.values[word]
        return f"[{word}]"  # an IPv6 address, say

    def copied(self, name: str) -> str:
        """A header of the last message: its value, or with a colon behind the name all its lines."""
        if self.last is None:
            return ""
        found = self.last.headers(name.rstrip(":"))
        if not name.endswith(":"):
            return found[0].value if found else ""
        return "\r\n".join(f"{each.name}: {each.value}" for each in found)


STEPS: dict[str, Callable[[Scenario, ElementTree.Element], bool]] = {
    "send": Scenario.send, "recv": Scenario.receive, "pause": Scenario.pause, "nop": Scenario.nothing,
    "label": Scenario.nothing, "ResponseTimeRepartition": Scenario.nothing,
    "CallLengthRepartition": Scenario.nothing, "Reference": Scenario.nothing}


def optional(step: ElementTree.Element) -> bool:
    """Whether a step may be left out."""
    return (step.tag == "recv" and step.get("optional") in ("true", "global")) or step.tag.endswith("Repartition")


def wanted(step: ElementTree.Element) -> str:
    """What a <recv> waits for."""
    return step.get("request") or step.get("response") or ""


def fits(step: ElementTree.Element, sent: Sent) -> bool:
    """Whether *sent* is what the <recv> *step* waits for."""
    if step.get("request"):
        return not sent.status and re.fullmatch(step.get("request", ""), sent.method) is not None
    return sent.status == int(step.get("response", "0"))


def play(*scenarios: Scenario) -> None:
    """Play *scenarios* together to their ends; AssertionError says where one got stuck."""
    if not scenarios:
        return
    server = scenarios[0].server
    began = server.clock.passed
    while not all(each.is_over for each in scenarios):
        moved = [each.go() for each in scenarios]  # every one of them gets its turn
        if any(moved):
            continue
        if server.clock.passed - began > LONGEST:
            raise AssertionError("stuck: " + "; ".join(str(each) for each in scenarios if not each.is_over))
        server.advance(moment(scenarios, server.clock.passed))
    for each in scenarios:
        server.watchers.remove(each._watch)


def moment(scenarios: Sequence[Scenario], now: float) -> float:
    """Seconds until something may happen: the next end of a pause, but no more than the clock's tick."""
    ends: Iterator[float] = (each.until - now for each in scenarios if each.until > now)
    return min([0.1, *ends])
