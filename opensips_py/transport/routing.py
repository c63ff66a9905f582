"""Which of our addresses leads to a destination, as the kernel's routes have it; addresses as operators write them."""
from __future__ import annotations

import _socket
import socket

from opensips_py.errors import TransportError
from opensips_py.sip import address_host, address_key, address_port, is_ip
from opensips_py.transport.listener import IPV6


def local_address(destination: int) -> str | None:
    """The address that the kernel would leave by towards *destination*; None where no route leads there."""
    probe = _socket.socket(socket.AF_INET6 if destination >= IPV6 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect((address_host(destination), address_port(destination) or 5060))  # sends nothing
        host: str = probe.getsockname()[0]
    except OSError:
        return None
    finally:
        probe.close()
    return host


def read_peer(text: str) -> tuple[str, int]:
    """The protocol ('' where not given) and address key of ``[proto:]ip:port``."""
    protocol, _, rest = text.partition(":")
    if not protocol.isalpha():
        protocol, rest = "", text
    host, _, port = rest.rpartition(":")
    if not is_ip(host) or not port.isdigit():
        raise TransportError(f"{text!r} is no address: write ip:port or proto:ip:port")
    return protocol.lower(), address_key(host, int(port))
