"""The core parameters at work: what they set in transports, resolver and transactions."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import dns.reversename

from opensips_py import __version__
from opensips_py.script import tree
from opensips_py.transaction import Settings as TransactionSettings
from opensips_py.transport import NameServers, Records, Resolver, Settings, Transports, is_loopback

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


def aliases_by_dns(transports: Transports, records: Records) -> None:
    """auto_aliases: the names that the DNS has for our addresses are ours as well. Waits for the DNS."""
    for each in transports.listeners:
        if not is_loopback(each.address):
            name = dns.reversename.from_address(each.host).to_text(omit_final_dot=True)
            for record in records.lookup(name, "PTR").records:
                transports.names.add(record.target.to_text(omit_final_dot=True), each.port, each.protocol)


def apply_to_transactions(settings: TransactionSettings, values: Mapping[str, Any],
                          flag: Callable[[str, str], int]) -> None:
    """What transactions follow from now on; *flag* gives the number of a flag by scope and name."""
    settings.dns_failover = not values["disable_dns_failover"]
    settings.translate_503 = not values["disable_503_translation"]
    settings.warns = values["sip_warning"]
    settings.reply_headers = signature(values, "Server", "server_header")
    settings.request_headers = signature(values, "User-Agent", "user_agent_header")
    settings.stay_connected_branch = mask("branch", values["tcp_no_new_conn_bflag"], flag)
    settings.stay_connected_reply = mask("message", values["tcp_no_new_conn_rplflag"], flag)


def mask(scope: str, name: str, flag: Callable[[str, str], int]) -> int:
    """The bit of the flag *name*; 0 where it is not set."""
    return 1 << flag(scope, str(name)) if name != "" else 0


def signature(values: Mapping[str, Any], header: str, parameter: str) -> bytes:
    """The header line by which we name ourselves; the parameter holds it whole. Empty: none."""
    if not values["server_signature"]:
        return b""
    line = str(values[parameter]) or f"{header}: {SIGNATURE}"
    return f"{line.strip()}\r\n".encode("utf-8", "surrogateescape")
