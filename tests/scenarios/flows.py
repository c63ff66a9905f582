"""Call flows as data: which caller meets which callees by which word of flows.cfg; and their play, all at once."""
from __future__ import annotations

import contextlib
import pathlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from opensips_py.mi import client
from tests.live import HOST, XML, LossyLink, Server, Sipp, bound, free_ports

HERE = pathlib.Path(__file__).parent
CONFIG, MODULES = HERE / "flows.cfg", HERE / "modules"
KAMAILIO = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin")
NOBODY = "nobody"  # stands for a callee whose port is closed
LENIENT = ("-default_behaviors", "all,-abortunexp")  # with losses, what is late comes out of order
# Milliseconds that a client stays to answer what is repeated. A callee is not waited for: it may stay until the caller
# gives up, for the server asks it again once its own transaction is forgotten (wt_timer, 5 s).
REMAIN, CALLEE_REMAINS = 4000, 32000


@dataclass(frozen=True)
class Flow:
    """*word* and the ports of the *callees* make the user part of the caller's Request-URI."""

    name: str
    word: str
    caller: str
    callees: tuple[str, ...]
    inward: str = "u1"  # how the caller comes in, and the callees are reached
    outward: str = "u1"
    inner: str = HOST  # the addresses of both sides
    outer: str = HOST
    lossy: bool = True  # SIPp copes when datagrams are lost: it takes any 200 for the one that it waits for


FLOWS = (
    Flow("a call", "to", "call", ("answer",)),
    Flow("the callee hangs up", "to", "call_hangup_by_callee", ("answer_hangup",)),
    Flow("re-INVITE", "to", "call_reinvite", ("answer_reinvite",), lossy=False),
    Flow("UPDATE", "to", "call_update", ("answer_update",), lossy=False),
    Flow("PRACK", "to", "call_prack", ("answer_prack",), lossy=False),
    Flow("cancelled before it rings", "to", "call_cancel_early", ("ring_until_cancel",), lossy=False),
    Flow("cancelled while it rings", "to", "call_cancel_ringing", ("ring_until_cancel",), lossy=False),
    Flow("cancelled, both ringing", "fork", "call_cancel_ringing", ("ring_until_cancel", "ring_until_cancel"),
         lossy=False),
    Flow("cancelled, nobody ever rang", "to", "call_cancel_early", ("silent",), lossy=False),
    Flow("nobody there", "to", "call_refused_408", ("silent",), lossy=False),
    Flow("nobody answers", "to", "call_refused_408", ("ring_until_cancel",), lossy=False),
    Flow("302 is passed on", "to", "call_refused_302", ("refuse_302",)),
    Flow("404", "to", "call_refused_404", ("refuse_404",)),
    Flow("486", "to", "call_refused_486", ("refuse_486",)),
    Flow("503 is passed on as 500", "to", "call_refused_500", ("refuse_503",)),
    Flow("603", "to", "call_refused_603", ("refuse_603",)),
    Flow("fork, one answers", "fork", "call", ("answer", "ring_until_cancel")),
    Flow("fork, one is busy", "fork", "call", ("refuse_486", "answer_late")),
    Flow("fork, one is not there", "fork", "call", (NOBODY, "answer"), lossy=False),
    Flow("fork, the best failure", "fork", "call_refused_404", ("refuse_404", "refuse_500")),
    Flow("fork, 603 ends it", "fork", "call_refused_603", ("refuse_603", "ring_until_cancel")),
    Flow("by q", "q", "call", ("answer", "refuse_486")),
    Flow("by q, the first answers", "q", "call", (NOBODY, "answer"), lossy=False),
    Flow("302, then the next", "serial", "call", ("refuse_302", "answer")),
    Flow("486, then the next", "serial", "call", ("refuse_486", "answer")),
    Flow("500, then the next", "serial", "call", ("refuse_500", "answer")),
    Flow("503, then the next", "serial", "call", ("refuse_503", "answer")),
    Flow("silence, then the next", "serial", "call", ("silent", "answer"), lossy=False),
    Flow("closed port, then the next", "serial", "call", (NOBODY, "answer"), lossy=False),
    Flow("closed port, and the next too", "serial", "call_refused_500", (NOBODY, NOBODY), lossy=False),
    Flow("spiral", "spiral", "call", ("answer",)),
    Flow("spiral, the callee hangs up", "spiral", "call_hangup_by_callee", ("answer_hangup",)),
    Flow("spiral, cancelled", "spiral", "call_cancel_ringing", ("ring_until_cancel",), lossy=False),
    Flow("UDP to TCP", "tcp", "call", ("answer",), outward="t1", lossy=False),
    Flow("TCP to UDP", "to", "call", ("answer",), inward="t1", lossy=False),
    Flow("TCP to TCP", "tcp", "call", ("answer",), inward="t1", outward="t1", lossy=False),
    Flow("UDP to TCP, the callee hangs up", "tcp", "call_hangup_by_callee", ("answer_hangup",), outward="t1",
         lossy=False),
    Flow("TCP to UDP, the callee hangs up", "to", "call_hangup_by_callee", ("answer_hangup",), inward="t1",
         lossy=False),
    Flow("TCP, cancelled", "tcp", "call_cancel_ringing", ("ring_until_cancel",), inward="t1", outward="t1",
         lossy=False),
    Flow("IPv6 to IPv4", "to", "call", ("answer",), inner="[::1]", lossy=False),
    Flow("IPv4 to IPv6", "v6", "call", ("answer",), outer="[::1]", lossy=False),
    Flow("IPv6", "v6", "call_hangup_by_callee", ("answer_hangup",), inner="[::1]", outer="[::1]", lossy=False),
)

THROUGH = tuple(Flow(f"through, {name}", "through", caller, (callee,), lossy=lossy) for name, caller, callee, lossy in (
    ("a call", "call", "answer", True), ("the callee hangs up", "call_hangup_by_callee", "answer_hangup", True),
    ("re-INVITE", "call_reinvite", "answer_reinvite", False), ("UPDATE", "call_update", "answer_update", False),
    ("cancelled", "call_cancel_ringing", "ring_until_cancel", False), ("486", "call_refused_486", "refuse_486", True)))


def serve(workers: int = 1, **values: object) -> Server:
    """A server on flows.cfg; timers are short unless *values* say otherwise."""
    outside, advertised, next_hop, name_server = free_ports(4)
    return Server(CONFIG, **{
        "WORKERS": workers, "FR": 3, "FR_INV": 4, "WAIT": 5, "OUTSIDE": outside, "ADVERTISED": advertised,
        "NEXT": next_hop, "NAME_SERVER": f"{HOST}:{name_server}", "MODULES": MODULES, "FIRST": "", **values})


def mi(server: Server, command: str, *values: object) -> Any:
    """The answer to a management command."""
    return client.ask(str(server.folder / "fifo"), command, list(values), str(server.folder))


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until *condition* holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


@contextlib.contextmanager
def second_hop(folder: pathlib.Path, text: str = "") -> Iterator[int]:
    """A Kamailio that relays what it gets, or does what the script *text* says; its port."""
    port = free_ports()[0]
    config = folder / "kamailio.cfg"
    config.write_text((text or (HERE / "kamailio.cfg").read_text()).replace("@PORT@", str(port)))
    with open(folder / "kamailio.log", "wb") as log:
        process = subprocess.Popen([str(KAMAILIO), "-f", str(config), "-DD", "-E", "-m", "16", "-M", "4", "-Y",
                                    str(folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until(lambda: bound(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "kamailio.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(10)


class Play:
    """One flow as it is played: its callees first, then its caller."""

    def __init__(self, flow: Flow, server: Server, folder: pathlib.Path, calls: int = 2, *, loss: bool = False) -> None:
        self.flow, self.server, self.folder, self.calls, self.loss = flow, server, folder, calls, loss
        self.own, *self.ports = free_ports(1 + len(flow.callees))
        self.links = [LossyLink(port, seed=port) for port in [server.port, *self.ports]] if loss else []
        for each in self.links:
            each.__enter__()
        self.reached = [each.port for each in self.links] or [server.port, *self.ports]
        arguments = LENIENT if loss else ()
        self.callees = [
            Sipp(self.scenario(scenario, reached), port, *arguments, "-d", "200", calls=calls,
                 transport=flow.outward, host=flow.outer, folder=folder)
            for scenario, port, reached in zip(flow.callees, self.ports, self.reached[1:], strict=True)
            if scenario != NOBODY]
        self.caller: Sipp | None = None

    def scenario(self, name: str, reached: int) -> str:
        """The scenario *name*, with losses one whose Contact leads to *reached* and that stays a while at its end."""
        if not self.loss:
            return f"{name}.xml"
        text = (XML / f"{name}.xml").read_text()
        text = text.replace("<sip:callee@[local_ip]:[local_port]", f"<sip:callee@[local_ip]:{reached}")
        if "answer" in name or "hangup" in name:
            remains = REMAIN if name.startswith("call") else CALLEE_REMAINS
            text = text.replace("</scenario>", f'<timewait milliseconds="{remains}"/>\n</scenario>')
        text = text.replace('"ACK"/>\n  <recv request="BYE"', '"ACK" optional="true"/>\n  <recv request="BYE"')
        path = self.folder / f"{name}-{reached}.xml"
        path.write_text(text)
        return str(path)

    @property
    def ready(self) -> bool:
        """Whether all callees can be reached."""
        return all(bound(port) for port, name in zip(self.ports, self.flow.callees, strict=True) if name != NOBODY)

    def call(self) -> None:
        """Let the caller begin."""
        flow = self.flow
        user = "-".join([flow.word, *map(str, self.reached[1:])])
        self.caller = Sipp(self.scenario(flow.caller, self.reached[0]), self.own, *(LENIENT if self.loss else ()),
                           "-d", "20", target=self.reached[0], calls=self.calls, transport=flow.inward,
                           host=flow.inner, folder=self.folder, keys={"user": user})

    def finish(self) -> dict[str, int]:
        """All calls of the caller have succeeded, and those of the callees whose scenario has an end."""
        assert self.caller is not None
        counts = self.caller.finish()
        assert counts["done"] == self.calls and counts["failed"] == 0, counts
        for each in self.callees:
            if not self.loss and "silent" not in str(each.process.args):
                assert each.finish()["failed"] == 0
        return counts

    def stop(self) -> None:
        """End what still runs."""
        for each in [*self.callees, *([self.caller] if self.caller else [])]:
            each.stop()
        for link in self.links:
            link.__exit__()


def play(flows: Iterable[Flow], server: Server, folder: pathlib.Path, calls: int = 2, *,
         loss: bool = False) -> dict[str, Play]:
    """Begin all *flows*."""
    plays = {each.name: Play(each, server, folder, calls, loss=loss) for each in flows}
    until(lambda: all(each.ready for each in plays.values()))
    for each in plays.values():
        each.call()
    return plays
