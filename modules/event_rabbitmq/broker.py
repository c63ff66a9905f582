"""One connection to a broker: what is published waits here until the broker says that it has it.

Everything happens in the event loop, nothing waits: whoever publishes goes on at once. A message is given up only where
its sender said so, or the broker refuses it. Where a connection breaks, all that was not confirmed is published again:
a consumer may see a message twice, and none is lost as long as there is room.
"""
from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.event import Event

from opensips_py.module import Counter
from opensips_py.modules.event_rabbitmq.addresses import Endpoint
from opensips_py.restraint import Restraint

try:
    import pika
    from pika import spec
    from pika.adapters.gevent_connection import GeventConnection
except ImportError as error:
    raise ImportError(f'{error.name} is missing: pip install "opensips-py[rabbitmq]"') from None

QUEUE = 10_000  # messages that wait
WINDOW = 1000  # of these, how many the broker may have without a word of it
FOREVER = -1
SOONEST, LATEST = 0.5, 30.0  # seconds until the next attempt to connect
HANDSHAKE = 5.0  # seconds for AMQP's own part of a connection
PERSISTENT = 2
CONNECTION_FORCED = 320  # the broker closes for reasons of its own
Done = Callable[[bool], object]
log = logging.getLogger("opensips_py.event_rabbitmq")


@dataclass(slots=True)
class Outgoing:
    """A message on its way; *attempts* counts the connections that may still break under it."""

    routing_key: str
    body: bytes
    properties: dict[str, Any] = field(default_factory=dict)
    mandatory: bool = False
    immediate: bool = False
    attempts: int = FOREVER
    done: Done | None = None
    sent_at: float = 0.0

    def end(self, arrived: bool) -> None:
        """Tell the sender, once."""
        done, self.done = self.done, None
        if done is not None:
            done(arrived)


@dataclass(slots=True)
class Counters:
    """What the connections of a process count together."""

    published: Counter
    failed: Counter
    dropped: Counter


class Broker:
    """The connection to one exchange of one broker; it is made when there is something to publish."""

    def __init__(self, endpoint: Endpoint, connect_timeout: float, timeout: float, counters: Counters) -> None:
        self.endpoint, self.connect_timeout, self.timeout, self.counters = endpoint, connect_timeout, timeout, counters
        self.waiting: deque[Outgoing] = deque()
        self.unconfirmed: OrderedDict[int, Outgoing] = OrderedDict()
        self.connection: Any = None
        self.channel: Any = None  # once it confirms what it gets
        self.loop: Any = None  # of the connections, one after the other
        self.tag = 0
        self.careful = 0  # how many go one by one: among them is one that the broker closes a channel for
        self.pause = SOONEST
        self.retry: Any = None
        self.late: Any = None
        self.used_at = time.monotonic()
        self.idle = Event()
        self.idle.set()
        self.complaints = Restraint(log, lines=1, level=logging.ERROR)

    def __len__(self) -> int:
        return len(self.waiting) + len(self.unconfirmed)

    def publish(self, message: Outgoing) -> None:
        """Send *message*, now or as soon as there is a connection; OSError where too many wait already."""
        self.used_at = time.monotonic()
        if len(self) >= QUEUE:
            self.counters.dropped.add()
            raise OSError(f"{len(self)} messages wait for the broker at {self.endpoint}")
        self.waiting.append(message)
        self.idle.clear()
        if self.retry is not None and message.attempts == 0:  # it does not wait for the next attempt: this is one
            self.retry.kill(block=False)
            self.retry = None
        if self.channel is not None:
            self.pump()
        elif self.connection is None and self.retry is None:
            self.connect()

    def forget(self, message: Outgoing) -> None:
        """Nobody waits for *message* any more."""
        message.done = None
        if message in self.waiting:
            self.waiting.remove(message)
            self.settled()

    # Connections

    def connect(self) -> None:
        """Begin to connect."""
        self.retry = None
        endpoint = self.endpoint
        parameters = pika.ConnectionParameters(
            endpoint.host, endpoint.port, endpoint.vhost, pika.PlainCredentials(endpoint.user, endpoint.password),
            frame_max=endpoint.frames, heartbeat=endpoint.heartbeat, connection_attempts=1,
            socket_timeout=self.connect_timeout, stack_timeout=self.connect_timeout + HANDSHAKE,
            client_properties={"connection_name": "opensips-py"})
        self.connection = GeventConnection(parameters, self.connected, self.not_connected, self.lost,
                                           custom_ioloop=self.loop)
        self.loop = self.connection.ioloop  # each has a pipe that nobody would close

    def connected(self, connection: Any) -> None:
        """Ask for a channel."""
        connection.channel(on_open_callback=self.opened)

    def opened(self, channel: Any) -> None:
        """Have the channel confirm."""
        channel.add_on_close_callback(self.closed)
        channel.add_on_return_callback(self.returned)
        channel.confirm_delivery(self.confirmed, lambda _: self.ready(channel))

    def ready(self, channel: Any) -> None:
        """Publish what waits."""
        self.channel, self.tag, self.pause = channel, 0, SOONEST
        self.pump()

    def not_connected(self, _: Any, reason: Any) -> None:
        """There is no connection."""
        self.connection = None
        self.complaints.say("no connection to the broker at %s: %s", self.endpoint, described(reason))
        self.broken()

    def lost(self, _: Any, reason: Any) -> None:
        """The connection is over."""
        self.connection = None
        if not isinstance(reason, pika.exceptions.ConnectionClosedByClient):
            self.complaints.say("the connection to the broker at %s is lost: %s", self.endpoint, described(reason))
        blamed = isinstance(reason, pika.exceptions.ConnectionClosedByBroker) and reason.reply_code != CONNECTION_FORCED
        self.over(blamed)
        self.broken()

    def closed(self, channel: Any, reason: Any) -> None:
        """The channel is over; where the connection goes on, it gets another one."""
        if self.connection is None or not channel.connection.is_open:
            return  # lost() comes
        self.complaints.say("the broker at %s closed the channel: %s", self.endpoint, described(reason))
        self.over(isinstance(reason, pika.exceptions.ChannelClosedByBroker))
        channel.connection.channel(on_open_callback=self.opened)

    def over(self, blamed: bool) -> None:
        """Take back what was not confirmed; *blamed*: the broker did not like one of these messages."""
        self.channel = None
        pending = list(self.unconfirmed.values())
        self.unconfirmed.clear()
        if blamed and len(pending) == 1:
            self.failed(pending.pop())
        elif blamed:
            self.careful = len(pending)
        self.waiting.extendleft(reversed(pending))
        self.settled()

    def broken(self) -> None:
        """Give up what does not wait for another connection, and make one later if anything is left."""
        for message in [each for each in self.waiting if each.attempts == 0]:
            self.waiting.remove(message)
            self.failed(message)
        for message in self.waiting:
            message.attempts -= message.attempts > 0
        if self.waiting and self.retry is None:
            self.retry = gevent.spawn_later(self.pause, self.connect)
            self.pause = min(2 * self.pause, LATEST)
        self.settled()

    # Messages

    def pump(self) -> None:
        """Publish as much as the broker may have at a time."""
        while self.waiting and self.channel is not None and len(self.unconfirmed) < (1 if self.careful else WINDOW):
            message = self.waiting.popleft()
            self.tag += 1
            message.sent_at = time.monotonic()
            self.unconfirmed[self.tag] = message
            more = {"message_id": str(self.tag)} if message.mandatory or message.immediate else {}
            # As Channel.basic_publish does it, which has no word for immediate
            self.channel._send_method(
                spec.Basic.Publish(exchange=self.endpoint.exchange, routing_key=message.routing_key,
                                   mandatory=message.mandatory, immediate=message.immediate),
                (pika.BasicProperties(**message.properties, **more), message.body))
        if self.timeout and self.unconfirmed and self.late is None:
            self.watch()

    def confirmed(self, frame: Any) -> None:
        """The broker has one message or several, or it cannot take them."""
        method = frame.method
        arrived = isinstance(method, spec.Basic.Ack)
        tags = [tag for tag in self.unconfirmed if tag <= method.delivery_tag] if method.multiple else \
            [method.delivery_tag]
        for tag in tags:
            message = self.unconfirmed.pop(tag, None)
            if message is None:
                continue  # returned before
            if arrived:
                self.careful -= self.careful > 0
                self.counters.published.add()
                message.end(True)
            else:
                self.failed(message)
        self.pump()
        self.settled()

    def returned(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        """No queue takes a message that has to be in one."""
        message = self.unconfirmed.pop(int(properties.message_id or 0), None)
        if message is not None:
            self.failed(message)

    def failed(self, message: Outgoing) -> None:
        """A message does not arrive."""
        self.careful -= self.careful > 0
        self.counters.failed.add()
        message.end(False)

    def settled(self) -> None:
        """Something is no longer on its way."""
        if not len(self):
            self.idle.set()

    # Time

    def watch(self) -> None:
        """Look again when the oldest message has been with the broker for too long."""
        oldest = next(iter(self.unconfirmed.values()))
        self.late = gevent.spawn_later(max(0.0, oldest.sent_at + self.timeout - time.monotonic()), self.look)

    def look(self) -> None:
        """End a connection whose broker has said nothing for too long."""
        self.late = None
        if not self.unconfirmed or self.connection is None:
            return
        oldest = next(iter(self.unconfirmed.values()))
        if time.monotonic() - oldest.sent_at >= self.timeout:
            self.complaints.say("the broker at %s did not confirm within %g s", self.endpoint, self.timeout)
            self.abort()
        else:
            self.watch()

    def abort(self) -> None:
        """Give the connection up without another word to the broker, which does not answer."""
        self.connection._terminate_stream(pika.exceptions.AMQPHeartbeatTimeout("no confirmation"))

    def close(self, seconds: float = 0.0) -> None:
        """End it, once all is confirmed or *seconds* are over."""
        if seconds and (self.channel is not None or self.connection is not None):
            self.idle.wait(seconds)
        for waiting in (self.retry, self.late):
            if waiting is not None:
                waiting.kill(block=False)
        for message in [*self.unconfirmed.values(), *self.waiting]:
            self.failed(message)
        self.unconfirmed.clear()
        self.waiting.clear()
        if self.connection is not None and self.connection.is_open:
            self.connection.close()
        self.channel = self.connection = None


def described(reason: Any) -> str:
    """The words of an error of pika's: those of the innermost one."""
    inner = [*(getattr(reason, "exceptions", None) or ()), getattr(reason, "exception", None), *reason.args]
    inner = [each for each in inner if isinstance(each, Exception)]
    return described(inner[-1]) if inner else str(reason) or type(reason).__name__
