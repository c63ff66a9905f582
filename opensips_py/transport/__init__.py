"""Sockets: datagrams, streams, and where messages go (RFC 3261, 18; RFC 3263)."""
from opensips_py.transport._udp import LoopEnd, UdpSocket
from opensips_py.transport.connection import Connection
from opensips_py.transport.directory import ConnectionGone, Directory
from opensips_py.transport.listener import DEFAULT_PORTS, Listener, ListenerSpec, parse
from opensips_py.transport.name_servers import Answer, NameServers
from opensips_py.transport.records import Records
from opensips_py.transport.resolver import Resolver
from opensips_py.transport.settings import Counters, Settings
from opensips_py.transport.sharing import RemoteConnection, Sharing
from opensips_py.transport.sockets import adopt, bind
from opensips_py.transport.target import Target
from opensips_py.transport.transports import Transports, is_loopback

__all__ = [
    "DEFAULT_PORTS", "Answer", "Connection", "ConnectionGone", "Counters", "Directory", "Listener", "ListenerSpec",
    "LoopEnd", "NameServers", "Records", "RemoteConnection", "Resolver", "Settings", "Sharing", "Target", "Transports",
    "UdpSocket", "adopt", "bind", "is_loopback", "parse",
]
