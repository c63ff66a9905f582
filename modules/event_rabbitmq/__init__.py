"""Publish events, and messages of the script, by RabbitMQ."""
from __future__ import annotations

import logging
import time
from typing import Annotated, Any

from gevent.event import AsyncResult

from opensips_py.events.payload import payload
from opensips_py.mi.jsonrpc import clean
from opensips_py.module import (
    Between,
    Module,
    Route,
    Variable,
    VariableKind,
    counter,
    deadline,
    param,
    param_setter,
    process_state,
    script,
    timer,
)
from opensips_py.module.declare import Dialect
from opensips_py.modules.event_rabbitmq.addresses import Endpoint, Server, is_short, server, socket
from opensips_py.modules.event_rabbitmq.broker import PERSISTENT, Broker, Counters, Done, Outgoing

PROTOCOL = "rabbitmq"
PATIENCE = 10.0  # seconds for a message of the script, where no timeout is set
IDLE = 300.0  # seconds after which a connection that nobody uses is closed
FAREWELL = 1.0  # seconds for what waits when the process ends
JSON, TEXT = "application/json", "text/plain"
Avp = Annotated[Variable, VariableKind(("avp",))]
Milliseconds = Annotated[int, Between(1, 600_000)]

logging.getLogger("pika").setLevel(logging.CRITICAL)  # the brokers say what matters, once


class Brokers:
    """The connections of this process; the module of each generation in turn uses them."""

    def __init__(self) -> None:
        self.brokers: dict[tuple[Endpoint, float, float], Broker] = {}
        self.owner: EventRabbitmq | None = None


class RabbitmqCarrier:
    """Sockets ``rabbitmq:[user[:password]@]host[:port]/[params?]routing_key``."""

    def __init__(self, module: EventRabbitmq) -> None:
        self.module = module

    def check(self, address: str) -> str | None:
        """What is wrong with an address."""
        try:
            socket(address, self.module.dialect, self.module.heartbeat)
        except ValueError as error:
            return f"{PROTOCOL}:{address}: {error}"
        return None

    def send(self, address: str, event: str, values: Any) -> None:
        """Publish an event, however long that takes."""
        self.module.publish_event(address, event, values, None)

    def deliver(self, address: str, event: str, values: Any, done: Done) -> None:
        """Publish an event unless the connection is lost, and tell whether the broker has it."""
        self.module.publish_event(address, event, values, done)


class EventRabbitmq(Module, name="event_rabbitmq"):
    """Publish events by RabbitMQ (AMQP 0-9-1): a subscriber `rabbitmq:[user[:password]@]host[:port]/[params?]key` gets
    them under that routing key. What stands there by itself: guest, guest, port 5672. In 4.0 params are `exchange=name`
    and `persistent`, with ";" between them, and an event is a JSON-RPC notification; in 2.1 they are the name of an
    exchange, and an event is lines, its name first, then name::value for each parameter. Queues and exchanges are not
    made: where no queue takes a message, the broker drops it.

    Messages leave beside the calls that they tell of, and count as published when the broker has confirmed them. While
    it is away, up to 10,000 wait in each process for each connection; what was not confirmed before a connection broke
    is published again."""

    heartbeat: Annotated[int, Between(0, 65535)] = param(
        0, "Seconds between signs of life of the broker, after twice of which a connection counts as lost; 0: none.")
    connect_timeout: Milliseconds = param(500, "Milliseconds that a TCP connection to a broker may take.")
    timeout: Annotated[int, Between(0, 600_000)] = param(
        0, "Milliseconds within which a broker has to confirm what was published, else the connection is given up; 0: "
           "no limit, but for rabbitmq_publish(), which waits 10 seconds at most.")
    shared: Brokers = process_state(Brokers)

    published = counter("Messages that a broker has confirmed.")
    failed = counter("Messages that a broker refused, or that were given up with the connection.")
    dropped = counter("Messages for which there was no room, since too many waited already.")

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.server_texts: list[str] = []

    @param_setter()
    def server_id(self, value: str) -> None:
        """A broker for rabbitmq_publish(): "[id] uri=amqp://user:password@host:port/vhost; key=value; switch". Keys are
        frames (the longest frame, 131072), retries (connections that may break before a message is given up, 0),
        exchange and heartbeat; switches are non-persistent, mandatory (a queue has to take it) and immediate (a
        consumer has to, which RabbitMQ refuses since 3.0). May be given many times."""
        self.server_texts.append(value)

    def load(self) -> None:
        """Check the parameters."""
        self.servers: dict[str, Server] = dict(server(text, 0) for text in self.server_texts)

    def start(self) -> None:
        """Take subscriptions from now on."""
        self.shared.owner = self
        self.services.events.register(PROTOCOL, RabbitmqCarrier(self))

    def stop(self) -> None:
        """Publish what waits, unless the next generation does."""
        if self.shared.owner is self:
            until = time.monotonic() + FAREWELL
            for broker in self.shared.brokers.values():
                broker.close(max(0.0, until - time.monotonic()))
            self.shared.brokers.clear()

    @timer(60)
    def close_idle(self) -> None:
        """Close connections that nobody uses any more."""
        now = time.monotonic()
        for key, broker in list(self.shared.brokers.items()):
            if not len(broker) and now - broker.used_at > IDLE:
                self.shared.brokers.pop(key).close()

    def broker(self, endpoint: Endpoint) -> Broker:
        """The connection for *endpoint*."""
        key = endpoint, self.connect_timeout / 1000, self.timeout / 1000
        if key not in self.shared.brokers:
            self.shared.brokers[key] = Broker(*key, Counters(self.published, self.failed, self.dropped))
        return self.shared.brokers[key]

    def publish_event(self, address: str, event: str, values: Any, done: Done | None) -> None:
        """Publish an event; *done* hears of the outcome."""
        target = socket(address, self.dialect, self.heartbeat)
        properties: dict[str, Any] = {"content_type": TEXT if self.dialect == "2.1" else JSON}
        if target.persistent:
            properties["delivery_mode"] = PERSISTENT
        message = Outgoing(clean(target.routing_key), payload(self.dialect, event, values), properties, done=done)
        if done is not None:
            message.attempts = 0
        self.broker(target.endpoint).publish(message)

    @script(Route.ANY, waits=True, dialect="4.0")
    def rabbitmq_publish(self, server_id: str, routing_key: str, message: str, content_type: str | None = None,
                         headers: Avp | None = None, headers_vals: Avp | None = None) -> bool:
        """Publish *message* by the broker *server_id*, one of the parameter of that name, under *routing_key*; the
        values of the AVP *headers* are names of headers, those of *headers_vals* what they hold, in the order in which
        they were assigned. True once the broker has confirmed it."""
        known = self.servers.get(server_id)
        if known is None:
            return self.refused(f"there is no server_id {server_id}")
        names = headers.assigned() if headers is not None else []
        held = headers_vals.assigned() if headers_vals is not None else []
        if len(names) != len(held):
            return self.refused(f"{len(names)} headers, and {len(held)} values for them")
        if not all(map(is_short, (routing_key, content_type or "", *map(str, names)))):
            return self.refused("routing key, content type and names of headers have no more than 255 bytes")
        properties: dict[str, Any] = {"content_type": clean(content_type)} if content_type else {}
        if known.persistent:
            properties["delivery_mode"] = PERSISTENT
        if names:
            properties["headers"] = {clean(str(name)): clean(value) for name, value in zip(names, held, strict=True)}
        return self.publish(known, Outgoing(clean(routing_key), message.encode("utf-8", "surrogateescape"), properties,
                                            known.mandatory, known.immediate, known.retries))

    def publish(self, known: Server, message: Outgoing) -> bool:
        """Publish *message*, and wait for the broker."""
        outcome: AsyncResult[bool] = AsyncResult()
        message.done = outcome.set
        broker = self.broker(known.endpoint)
        try:
            broker.publish(message)
            with deadline(self.timeout / 1000 or PATIENCE):
                return outcome.get() or self.refused(f"the broker at {known.endpoint} did not take it")
        except OSError as error:
            broker.forget(message)
            return self.refused(f"the broker at {known.endpoint}: {error}")

    def refused(self, reason: str) -> bool:
        """Log why a message is not published."""
        self.log.error("rabbitmq_publish: %s", reason)
        return False
