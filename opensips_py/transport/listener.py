"""Listeners: where we receive, and what we call ourselves there."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from opensips_py.errors import ConfigError
from opensips_py.sip import address_key
from opensips_py.transport.interfaces import addresses_of, is_name

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "sctp": 5060, "ws": 80, "wss": 443}
OPTIONS = frozenset(("anycast", "frag", "reuse_port", "accept_subdomain"))
NUMBERS = {"use_workers": "workers", "use_children": "workers", "tos": "tos"}
# An address with its port as one number (sip.address_key), and a port where 0 stands for none. By these names, not as
# int, for the compiled form of what calls them takes `int` for a type of C.
AddressKey: TypeAlias = int
Port: TypeAlias = int
IPV6 = 1 << 144  # address keys of IPv6 start here


def bracketed(host: str) -> str:
    """*host* as it stands in a URI or Via: IPv6 addresses get brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


@dataclass
class Listener:
    """One address we listen on; *index* is its place among all of them.

    *host* is an IP address, *hostname* the name it was given by in the script. What we write into Via is *sent_by*: the
    advertised address where there is one. In Record-Route and Contact it is *uri_host*, the same without a port of our
    own that goes without saying.
    """

    protocol: str
    host: str
    port: int
    advertised_host: str = ""
    advertised_port: int = 0
    name: str = ""  # the tag
    options: dict[str, Any] = field(default_factory=dict)
    hostname: str = ""
    index: int = 0
    address: int = field(init=False)
    is_ipv6: bool = field(init=False)
    sent_by: str = field(init=False)
    uri_host: str = field(init=False)
    via_prefix: bytes = field(init=False)
    uri_text: str = field(init=False)

    def __post_init__(self) -> None:
        self.host = self.host.strip("[]")
        self.rename(self.port)

    def rename(self, port: int) -> None:
        """Take *port*, which the system chose, and work out the texts that contain it."""
        self.port = port
        self.address = address_key(self.host, port)
        self.is_ipv6 = self.address >= IPV6
        self.sent_by = f"{bracketed(self.advertised_host or self.host)}:{self.advertised_port or port}"
        self.uri_host = self.sent_by
        if port == DEFAULT_PORTS.get(self.protocol) == 5060 and not self.advertised_port:
            self.uri_host = bracketed(self.advertised_host or self.host)
        self.via_prefix = f"Via: SIP/2.0/{self.protocol.upper()} {self.sent_by};branch=".encode()
        self.uri_text = f"{self.protocol}:{bracketed(self.host)}:{port}"

    def __str__(self) -> str:
        return self.uri_text


@dataclass(slots=True)
class ListenerSpec:
    """A listener as the script has it, before names, interfaces and port ranges are expanded."""

    protocol: str
    host: str
    port: int = 0
    last_port: int = 0
    advertised_host: str = ""
    advertised_port: int = 0
    name: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def expand(self, ports: dict[str, int] = DEFAULT_PORTS) -> list[Listener]:
        """One listener for each address and port meant; *ports* are the defaults by protocol."""
        first = self.port or ports.get(self.protocol, 5060)
        hosts = addresses_of(self.host)
        if not hosts:
            raise ConfigError(f"{self.protocol}:{self.host}: no address, interface or name of this machine")
        named = self.host if is_name(self.host) else ""
        return [Listener(self.protocol, host, port, self.advertised_host, self.advertised_port, self.name,
                         dict(self.options), named)
                for host in hosts for port in range(first, max(first, self.last_port) + 1)]


def split_address(text: str) -> tuple[str, str]:
    """The host, without brackets, and the port of ``host:port``, both as text."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, port.removeprefix(":")
    if text.count(":") > 1:  # an IPv6 address without brackets has no port behind it
        return text, ""
    host, _, port = text.partition(":")
    return host, port


def port_number(text: str, where: str) -> int:
    """*text* as a port; '' is 0, the default."""
    if text and not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise ConfigError(f"{where}: {text!r} is no port")
    return int(text or 0)


def parse(text: str) -> ListenerSpec:
    """Read ``proto:host[:port[-port]] [as host[:port]] [use_workers n] [tag t] [option ...]``."""
    words = text.split()
    protocol, colon, rest = words[0].partition(":") if words else ("", "", "")
    host, port = split_address(rest)
    if not colon or not host or protocol.lower() not in DEFAULT_PORTS:
        raise ConfigError(f"{text!r} is no listener: write protocol:address:port, as in udp:127.0.0.1:5060")
    first, _, last = port.partition("-")
    spec = ListenerSpec(protocol.lower(), host, port_number(first, text), port_number(last, text))
    rest_of = iter(words[1:])
    for word in rest_of:
        read_option(spec, word, rest_of, text)
    return spec


def read_option(spec: ListenerSpec, word: str, rest: Iterable[str], text: str) -> None:
    """Take one option, and its value from *rest*, into *spec*."""
    if word in OPTIONS:
        spec.options[word] = True
        return
    value = next(iter(rest), "")
    if word == "as" and value:
        spec.advertised_host, port = split_address(value)
        spec.advertised_port = port_number(port, text)
    elif word == "tag" and value:
        spec.name = value
    elif word in NUMBERS and value.isdigit():
        spec.options[NUMBERS[word]] = int(value)
    else:
        raise ConfigError(f"{text}: cannot read {f'{word} {value}'.strip()!r}")
