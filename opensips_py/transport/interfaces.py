"""The addresses of this machine: what ``*``, an interface or a name in a listener stands for."""
from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator

from opensips_py.sip import is_ip

RTM_GETADDR, RTM_NEWADDR, NLMSG_ERROR, NLMSG_DONE = 22, 20, 2, 3
REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
IFA_ADDRESS, IFA_LOCAL = 1, 2


def addresses_of(host: str) -> list[str]:
    """The IP addresses that *host* means: itself, ``*`` all, those of an interface, or of a name."""
    text = host.strip("[]")
    if text == "*":
        return [address for _, address in machine_addresses()]
    if text in ("0.0.0.0", "::"):  # no Via can say "any address": each of them listens for itself
        return [address for _, address in machine_addresses() if (":" in address) == (text == "::")]
    if is_ip(text):
        return [text]
    of_interface = [address for name, address in machine_addresses() if name == text]
    return of_interface or named(text)


def is_name(host: str) -> bool:
    """Whether *host* is a name for DNS: no address, wildcard or interface."""
    return host != "*" and not is_ip(host) and host not in (name for _, name in socket.if_nameindex())


def named(host: str) -> list[str]:
    """The addresses of the host called *host*, as the system resolves it."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def machine_addresses() -> list[tuple[str, str]]:
    """All (interface, address) of this machine but link-local ones, which mean nothing without their interface."""
    names = dict(socket.if_nameindex())
    found = [(names.get(index, ""), address) for index, address in netlink_addresses()]
    return [(name, address) for name, address in found if not ipaddress.ip_address(address).is_link_local]


def netlink_addresses() -> Iterator[tuple[int, str]]:
    """Ask the kernel (rtnetlink(7)) for its addresses: (interface index, address)."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.bind((0, 0))
        kernel.send(struct.pack("=IHHIIB7x", 24, RTM_GETADDR, REQUEST_DUMP, 1, 0, socket.AF_UNSPEC))
        while True:
            for kind, body in netlink_messages(kernel.recv(1 << 16)):
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    return
                if kind == RTM_NEWADDR:
                    yield from interface_address(body)


def netlink_messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut what the kernel sent into (type, body)."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        yield kind, data[at + 16:at + length]
        at += (length + 3) & ~3


def interface_address(body: bytes) -> Iterator[tuple[int, str]]:
    """The address in one answer; of a point-to-point interface our end, not the peer's."""
    family, _, _, _, index = struct.unpack_from("=BBBBI", body)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    found: dict[int, bytes] = {}
    at = 8
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if length < 4:
            return
        found[kind] = body[at + 4:at + length]
        at += (length + 3) & ~3
    packed = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS)
    if packed:
        yield index, socket.inet_ntop(family, packed)
