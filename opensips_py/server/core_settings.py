"""The core parameters at work: what they set in transports, resolver and transactions."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opensips_py import __version__
from opensips_py.script import tree
from opensips_py.transport import NameServers, Records, Resolver, Settings, Transports

SIGNATURE = f"OpenSIPS-py ({__version__})"


def apply_to_transports(settings: Settings, values: Mapping[str, Any]) -> None:
    """What the transports follow from now on."""
    settings.tos = values["tos"]
    settings.mhomed = values["mhomed"]
    settings.multicast_loopback = values["mcast_loopback"]
    settings.multicast_ttl = values["mcast_ttl"]
    settings.receive_buffer = values["maxbuffer"]
    settings.tcp_accept_aliases = values["tcp_accept_aliases"]
    settings.tcp_connect_timeout = values["tcp_connect_timeout"] / 1000
    settings.tcp_connection_lifetime = float(values["tcp_connection_lifetime"])
    settings.tcp_max_connections = values["tcp_max_connections"]
    settings.tcp_max_message_time = float(values["tcp_max_msg_time"])
    settings.tcp_keepalive = values["tcp_keepalive"]
    settings.tcp_keepcount = values["tcp_keepcount"]
    settings.tcp_keepidle = values["tcp_keepidle"]
    settings.tcp_keepinterval = values["tcp_keepinterval"]


def name_servers(values: Mapping[str, Any]) -> NameServers:
    """Whom to ask for names."""
    return NameServers.of_system(timeout=values["dns_retr_time"], attempts=values["dns_retr_no"],
                                 number=values["dns_servers_no"], use_search_list=values["dns_use_search_list"])


def resolver(transports: Transports, values: Mapping[str, Any]) -> Resolver:
    """The resolver of a worker."""
    return Resolver(transports, Records(name_servers(values)), values["dns_try_ipv6"], values["dns_try_naptr"])


def apply_to_resolver(found: Resolver, values: Mapping[str, Any]) -> None:
    """What the resolver follows from now on; what it knows stays."""
    found.try_ipv6, found.try_naptr = values["dns_try_ipv6"], values["dns_try_naptr"]
    found.records.name_servers = name_servers(values)
    found.records.threshold = values["execdnsthreshold"] / 1e6


def aliases(transports: Transports, given: Iterable[tree.Socket]) -> None:
    """Further names of ours."""
    for each in given:
        transports.names.add(each.host, each.port, "" if each.protocol == "any" else each.protocol,
                             "accept_subdomain" in each.options)


def signature(values: Mapping[str, Any]) -> str:
    """The value of the Server header in responses of our own; empty: none."""
    if not values["server_signature"]:
        return ""
    header = str(values["server_header"])
    return header.partition(":")[2].strip() if header.lower().startswith("server:") else header or SIGNATURE
