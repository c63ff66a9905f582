"""Where events go: sockets ``rabbitmq:…`` and the brokers that a script names."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from opensips_py.module import ConfigError
from opensips_py.module.declare import Dialect
from opensips_py.module.masking import without_password

PORT = 5672
GUEST = "guest"
SHORT = 255  # bytes of AMQP's short strings: exchanges, routing keys, content types
FRAME = 131072  # bytes, unless somebody says another size
FRAMES = range(4096, FRAME + 1)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A connection: to which broker, as whom, and for which exchange."""

    host: str
    port: int = PORT
    user: str = GUEST
    password: str = GUEST
    vhost: str = "/"
    exchange: str = ""
    heartbeat: int = 0  # seconds
    frames: int = FRAME

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" + (f" exchange {self.exchange}" if self.exchange else "")


@dataclass(frozen=True, slots=True)
class Socket:
    """The address of a subscriber."""

    endpoint: Endpoint
    routing_key: str
    persistent: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """A broker that rabbitmq_publish() knows."""

    endpoint: Endpoint
    retries: int = 0
    persistent: bool = True
    mandatory: bool = False
    immediate: bool = False


def socket(address: str, dialect: Dialect, heartbeat: int) -> Socket:
    """``[user[:password]@]host[:port]/[params?]routing_key``; in 2.1 the params are the exchange. ValueError."""
    authority, slash, path = address.partition("/")
    if not slash:
        raise ValueError("a / and a routing key are needed behind the host")
    login, at, place = authority.rpartition("@")
    user, _, password = login.partition(":")
    host, port = parted(place)
    params, question, routing_key = path.partition("?")
    if not question:
        params, routing_key = "", path
    if not routing_key:
        raise ValueError("a routing key is needed")
    given = options_of_socket(params, dialect)
    for what, text in (("routing key", routing_key), ("exchange", given.get("exchange", ""))):
        if not is_short(text):
            raise ValueError(f"the {what} has more than {SHORT} bytes")
    endpoint = Endpoint(host, port, (user if at else "") or GUEST, (password if at else "") or GUEST,
                        exchange=given.get("exchange", ""), heartbeat=heartbeat)
    return Socket(endpoint, routing_key, "persistent" in given)


def options_of_socket(params: str, dialect: Dialect) -> dict[str, str]:
    """What stands before the routing key."""
    if dialect == "2.1":
        return {"exchange": params}
    found = {}
    for each in filter(None, (part.strip() for part in params.split(";"))):
        key, equals, value = (part.strip() for part in each.partition("="))
        if key not in ("exchange", "persistent") or (key == "exchange") != bool(equals):
            raise ValueError(f"{each} is no parameter: exchange=name and persistent are")
        found[key] = value
    return found


def parted(place: str) -> tuple[str, int]:
    """Host and port."""
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, str(PORT)
    host = host.strip("[]")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        raise ValueError(f"{place or 'nothing'} is no host:port")
    return host, int(port)


def is_short(text: str) -> bool:
    """Whether *text* fits into a short string of AMQP."""
    return len(text.encode("utf-8", "surrogateescape")) <= SHORT


def server(text: str, heartbeat: int) -> tuple[str, Server]:
    """``[id] uri=amqp://…; key=value; …``: the id and what it stands for. ConfigError."""
    head, bracket, rest = text.strip().partition("]")
    name = head.removeprefix("[").strip()
    if not head.startswith("[") or not bracket or not name:
        raise wrong("it has no id: write [id] uri=amqp://host; ...")
    given = options_of_server(rest)
    if "uri" not in given:
        raise wrong(f"[{name}] has no uri")
    exchange = given.get("exchange", "")
    if not is_short(exchange):
        raise wrong(f"[{name}]: the exchange has more than {SHORT} bytes")
    endpoint = Endpoint(*login(given["uri"]), exchange, number(given, "heartbeat", heartbeat, range(65536)),
                        number(given, "frames", FRAME, FRAMES))
    return name, Server(endpoint, number(given, "retries", 0, range(1 << 16)), "non-persistent" not in given,
                        "mandatory" in given, "immediate" in given)


SWITCHES = ("immediate", "mandatory", "non-persistent")
KEYS = ("uri", "frames", "retries", "exchange", "heartbeat")


def options_of_server(text: str) -> dict[str, str]:
    """What stands behind the id."""
    found = {}
    for each in filter(None, (part.strip() for part in text.split(";"))):
        key, equals, value = (part.strip() for part in each.partition("="))
        if key not in (KEYS if equals else SWITCHES):
            raise wrong(f"{each} is no parameter: {', '.join(f'{key}=' for key in KEYS)} "
                        f"{', '.join(SWITCHES)} are")
        found[key] = value
    return found


def login(uri: str) -> tuple[str, int, str, str, str]:
    """Host, port, user, password and vhost of an AMQP URI (rabbitmq.com/docs/uri-spec); what it lacks is as usual."""
    try:
        parts = urlsplit(uri)
        port = parts.port or PORT
    except ValueError:
        raise wrong("the port of the uri is no number up to 65535") from None
    if parts.scheme != "amqp":
        raise wrong(f"{without_password(uri)} is no amqp:// URI")
    user, password = unquote(parts.username or GUEST), unquote(parts.password or GUEST)
    return parts.hostname or "localhost", port, user, password, unquote(parts.path[1:]) or "/"


def number(given: dict[str, str], key: str, default: int, allowed: range) -> int:
    """A parameter that is a number."""
    text = given.get(key, str(default))
    if not text.isascii() or not text.isdigit() or int(text[:9]) not in allowed:
        raise wrong(f"{key} is a number from {allowed.start} to {allowed.stop - 1}, not {text}")
    return int(text)


def wrong(reason: str) -> Any:
    """The error for a server_id."""
    return ConfigError(reason, "event_rabbitmq", "server_id")
