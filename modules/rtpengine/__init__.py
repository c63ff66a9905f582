"""Media through rtpengine: its ng protocol."""
from __future__ import annotations

import json
from typing import Annotated, Any

import gevent
from gevent import socket

from opensips_py.mi.tree import Node, listed, rendered
from opensips_py.module import (
    AvpSpec,
    Between,
    ConfigError,
    DbUrl,
    Event,
    MIError,
    Module,
    OneOf,
    Pattern,
    Regex,
    Run,
    VariableSpec,
    first,
    mi,
    param,
    param_setter,
    process_state,
    pvar,
    timer,
    uses,
)
from opensips_py.module.cookies import NoAnswer
from opensips_py.module.media_relays import Relay, Relays, read_set
from opensips_py.module.stored_relays import RelayTable, StoredRelays
from opensips_py.modules.rtpengine import figures
from opensips_py.modules.rtpengine.asking import Engines
from opensips_py.modules.rtpengine.functions import Media, Sessions

NOT_FOUND = 404
LONGEST = 65_535


class E_RTPENGINE_STATUS(Event, set_id="set"):
    """An engine has stopped answering (inactive), or answers again (active)."""

    socket: str
    status: str
    set_id: int


class E_RTPENGINE_NOTIFICATION(Event):
    """An engine tells of something in a call, such as DTMF; whatever else it names is a parameter as well."""

    type: str | None
    callid: str | None
    source_tag: str | None
    timestamp: int | None
    source_ip: str | None
    event: int | None
    duration: int | None
    volume: int | None


class Notifications:
    """The socket that engines send notifications to; the module of each generation in turn listens."""

    def __init__(self) -> None:
        self.name = ""
        self.socket: socket.socket | None = None
        self.owner: RtpEngine | None = None
        self.reader: gevent.Greenlet[..., None] | None = None

    def end(self) -> None:
        """Close it."""
        if self.reader is not None:
            self.reader.kill(block=False)
        if self.socket is not None:
            self.socket.close()
        self.name, self.socket, self.reader = "", None, None


class RtpEngine(Sessions, Media, StoredRelays, Module, name="rtpengine",
                events=[E_RTPENGINE_NOTIFICATION, E_RTPENGINE_STATUS]):
    """Have the media of calls relayed by rtpengine: functions put its addresses into session descriptions.

    Engines stand in sets. Of a set each takes a share of the calls by its weight, chosen by Call-ID, so that all
    messages of a call find the same one; where one does not answer, or is full, the next one is asked.
    """

    tm: Any = uses("tm", optional=True)
    engines: Engines = process_state(Engines)
    notifications: Notifications = process_state(Notifications)

    rtpengine_disable_tout: Annotated[int, Between(0, 86400)] = param(
        60, "Seconds for which an engine that has not answered is left alone.")
    rtpengine_tout: Annotated[int, Between(1, 60)] = param(1, "Seconds to wait for an answer before asking again.")
    rtpengine_retr: Annotated[int, Between(0, 100)] = param(5, "How often an engine is asked before it is given up.")
    rtpengine_timer_interval: Annotated[int, Between(1, 86400)] = param(
        5, "Seconds between two looks at engines that were left alone long enough.")
    ping_enabled: bool = param(False, "Whether engines that nobody has asked anything are asked whether they work.")
    extra_id_pv: VariableSpec | None = param(None, "Variable with the branch for via-branch=extra.")
    setid_avp: AvpSpec = param(None, "Variable with the number of the set to use.")
    error_pv: VariableSpec | None = param(None, "Variable that gets the reason when a function fails.")

    db_url: DbUrl = param("", "A database with further engines; empty: none.")
    db_table: str = param("rtpengine", "The table of engines.")
    socket_column: str = param("socket", "Column of engines, written as in rtpengine_sock without the set.")
    set_column: str = param("set_id", "Column of the numbers of their sets.")

    failover_errors: tuple[Pattern, ...] = ()
    notification_address: tuple[str, int] | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sets: dict[int, list[Relay]] = {}

    @param_setter("rtpengine_sock")
    def add_engines(self, text: str) -> None:
        """A set of engines: [number ==] udp:host:port[=weight] …, or udp6:…, or Unix paths. May be given many times."""
        if text.strip() in ("", "NONE"):
            return
        number, relays = read_set(text)
        self.sets.setdefault(number, []).extend(relays)

    @param_setter("extra_failover_error")
    def add_failover_error(self, expression: Annotated[Pattern, Regex()]) -> None:
        """A regular expression for errors after which another engine is asked; may be given many times."""
        self.failover_errors += (expression,)

    @param_setter("notification_sock")
    def notify_at(self, text: str) -> None:
        """address:port where engines send notifications (their --dtmf-log-dest), told as E_RTPENGINE_NOTIFICATION."""
        host, _, port = text.removeprefix("udp:").rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ConfigError(f"notification_sock is an address and a port, not {text}", "rtpengine",
                              "notification_sock")
        self.notification_address = host.strip("[]"), int(port)

    def load(self) -> None:
        """Find the driver of the table."""
        self.table = RelayTable(self, self.db_url, self.db_table, self.socket_column, self.set_column, self.late)

    def verify(self) -> None:
        """Look at the table."""
        self.table.verify("rtpengine", versioned=True)

    @property
    def channels(self) -> Any:
        """What engines are reached by."""
        return self.engines.channels

    def start(self) -> None:
        """Open what is needed, and see which engines answer."""
        self.relays = Relays(self.table.beside(self.sets), self.services, "rtpengine relays",
                             self.rtpengine_disable_tout, self.changed)
        self.channels.keep({each.url for each in self.relays})
        if self.services.index == 0:
            self.listen()
            self.services.spawn(self.look, [*self.relays])

    def stop(self) -> None:
        """Close the sockets, unless the next generation goes on with them."""
        if self.notifications.owner is self:
            self.notifications.end()

    def listen(self) -> None:
        """Take notifications."""
        shared = self.notifications
        shared.owner = self
        name = "" if self.notification_address is None else "{}:{}".format(*self.notification_address)
        if name == shared.name:
            return
        shared.end()
        if self.notification_address is None:
            return
        host = self.notification_address[0]
        bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            bound.bind(self.notification_address)
        except OSError as error:
            bound.close()
            raise ConfigError(f"notification_sock {name} cannot be bound: {error.strerror}", "rtpengine",
                              "notification_sock") from None
        shared.name, shared.socket, shared.reader = name, bound, gevent.spawn(read_notifications, shared)

    def notified(self, data: bytes) -> None:
        """Tell what an engine says in JSON."""
        try:
            told = json.loads(data)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            self.log.warning("a notification that is no JSON object: %.200r", data)
            return
        values = {str(name): value if isinstance(value, (int, str)) else json.dumps(value)
                  for name, value in told.items()}
        self.services.events.raise_event(E_RTPENGINE_NOTIFICATION.event_name, values)

    def changed(self, relay: Relay, works: bool) -> None:
        """An engine has stopped or begun to answer."""
        self.log.warning("%s of set %d %s", relay.url, relay.set_id, "works" if works else "is left alone")
        if self.dialect == "4.0":
            self.raise_event(E_RTPENGINE_STATUS(relay.url, "active" if works else "inactive", relay.set_id))

    @timer("rtpengine_timer_interval", scope="first")
    def probe(self) -> None:
        """Ask those that were left alone long enough, and the idle ones where that is wanted."""
        used, self.engines.used = self.engines.used, set()
        wanted = self.relays.overdue()
        if self.ping_enabled:
            wanted += [each for each in self.relays if not self.relays.state(each) and each.url not in used]
        self.look(wanted)

    def look(self, relays: list[Relay]) -> None:
        """Ask engines whether they work, all at once."""
        gevent.joinall([gevent.spawn(self.look_at, each) for each in relays])

    def look_at(self, relay: Relay) -> None:
        """Ask one engine whether it works."""
        try:
            answer = self.exchange(relay, {"command": "ping"})
        except NoAnswer as error:
            self.log.info("%s", error)
            if self.relays.state(relay) < 1 << 62:
                self.relays.failed(relay)
            return
        if answer.get("result") == "pong":
            self.relays.works(relay)

    # Variables

    @pvar("rtpstat", waits=True)
    def statistics(self, run: Run, name: str = "", index: int | str | None = None) -> int | str | None:
        """What was relayed for the call, as text; in 4.0 with a name one figure: MOS, jitter, roundtrip or packetloss,
        followed by -average, -min, -max, -min-at or -max-at (seconds of the call), of all streams or, with a tag as the
        index, of those of one party. NULL where the engine does not know."""
        if name and name not in figures.NAMES:
            return None
        answer = self.query(run)
        if answer is None:
            return None
        return figures.figure(answer, name, None if index is None else str(index)) if name else figures.totals(answer)

    @pvar("rtpquery", waits=True, dialect="4.0")
    def everything(self, run: Run) -> str | None:
        """All that the engine knows of the call, as JSON."""
        return self.query_json(run)

    # Management

    @mi("rtpengine_enable", v40="rtpengine:enable")
    def enable(self, url: str, enable: int, setid: int | None = None) -> str:
        """Use an engine again (1), never (0), or as soon as it answers (2); in all sets, or in one."""
        if not self.relays.set_state(url, enable, setid):
            raise MIError(NOT_FOUND, "no engine has this URL")
        return "OK"

    @mi(None, "rtpengine_reload", v40="rtpengine:reload", scope="each", merge=first, dialect="4.0")
    def reload(self, type: Annotated[str, OneOf("", "soft")] = "") -> str:
        """Work with the engines of the table, read again, and no others. With *type* soft, those that are left alone
        stay so; else all of them begin anew."""
        sets = self.table.reload()
        if not type:
            self.channels.keep(set())
            for each in [relay for relays in sets.values() for relay in relays] if self.services.index == 0 else ():
                self.relays.write(each, 0)
        self.use(sets)
        return "OK"

    @mi(None, v40="rtpengine:teardown")
    def teardown(self, callid: str) -> str:
        """End the call with the Call-ID *callid*, which module dialog has to know, with a BYE to either side: an engine
        may ask for that where media have ended."""
        if "dialog" not in self.registry.modules:
            raise MIError(NOT_FOUND, "calls are ended by module dialog, which is not loaded")
        self.services.mi.call("dlg_end_dlg", [callid])
        return "OK"

    @mi("rtpengine_show", v40="rtpengine:show")
    @rendered(lambda sets: [set_node(each) for each in sets])
    def show(self) -> list[dict[str, Any]]:
        """List the engines of all sets; recheck_ticks are the seconds until one that is disabled is tried again."""
        return self.relays.listed()


def set_node(entry: dict[str, Any]) -> Node:
    """A set as 2.1 lists it."""
    return listed("Set", entry["Set"], {}, [
        listed("node", each["url"], {name: value for name, value in each.items() if name != "url"})
        for each in entry["Nodes"]])


def read_notifications(shared: Notifications) -> None:
    """Have the current generation tell what comes, for ever."""
    bound = shared.socket
    assert bound is not None
    while True:
        try:
            data = bound.recv(LONGEST)
        except OSError:
            return
        owner = shared.owner
        if owner is not None:
            owner.services.spawn(owner.notified, data)
