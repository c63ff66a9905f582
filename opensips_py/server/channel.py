"""Commands between supervisor and process: JSON objects, one per packet, over a connected pair of sockets."""
from __future__ import annotations

import json
import socket
from typing import Any

PACKET = 1 << 16  # bytes a reader has to take at once; whoever sends keeps its texts shorter


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends: packets keep their bounds, and the end of one process shows as an empty packet."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setblocking(False)
    return ours, theirs


def encode(command: str, **values: Any) -> bytes:
    """One packet."""
    return json.dumps({"command": command, **values}, separators=(",", ":")).encode()


def decode(packet: bytes) -> dict[str, Any]:
    """The command in *packet*."""
    value: dict[str, Any] = json.loads(packet)
    return value
