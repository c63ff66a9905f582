"""Which of our addresses leads to a destination, as the kernel's routes have it."""
from __future__ import annotations

import _socket
import socket

from opensips_py.sip import address_host, address_port
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
