"""The management commands for connections; they run in the workers, which have them."""
from __future__ import annotations

from typing import Any

from opensips_py.errors import MIError, TransportError
from opensips_py.mi.tree import Node, listed, rendered
from opensips_py.module import Module, concatenate, mi
from opensips_py.sip import address_host, address_port

BAD, NOT_FOUND = 400, 404
PER_WORKER = 1 << 32  # identifiers of connections: each worker counts for itself


def connection_nodes(data: Any) -> list[Node]:
    """2.1's lines of `list_tcp_conns`."""
    return [listed("Connection", None, row) for row in data["Connections"]]


def any_closed(answers: list[bool]) -> None:
    """One worker has the connection; none is an error."""
    if not any(answers):
        raise MIError(NOT_FOUND, "no such connection")


def address(key: int) -> str:
    """An address key as ip:port."""
    host = address_host(key)
    return f"[{host}]:{address_port(key)}" if ":" in host else f"{host}:{address_port(key)}"


class TransportCommands(Module, name="mi_transport"):
    """Connections of all workers."""

    @mi("list_tcp_conns", v40="tcp:list", scope="each", merge=concatenate)
    @rendered(connection_nodes)
    def list_connections(self, proto: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """All connections, or those of the protocol *proto*."""
        return {"Connections": [self.row(each) for each in self.services.transports.connections()
                                if proto in (None, each.protocol)]}

    @mi(None, v40="tcp:close", scope="each", merge=any_closed)
    def close_connection(self, ipport: str) -> bool:
        """Close the connection with the peer *ipport* (ip:port), or with that id."""
        if ipport.isdigit():
            worker, number = divmod(int(ipport), PER_WORKER)
            if worker != self.services.index:
                return False
            ipport = str(number)
        try:
            return bool(self.services.transports.close_connection(ipport))
        except TransportError as error:
            raise MIError(BAD, str(error)) from None

    def row(self, connection: Any) -> dict[str, Any]:
        """One connection as management lists it."""
        left = connection.active_at + connection.lifetime - connection.pool.now()
        aliases = [address_port(key) for key in connection.aliases]
        return {"ID": self.services.index * PER_WORKER + connection.id, "Type": connection.protocol,
                "State": connection.state, "Source": address(connection.key),
                "Destination": str(connection.listener).partition(":")[2],
                "Lifetime": max(0, int(left)), **({"Alias port": aliases[0]} if aliases else {})}
