"""The names and addresses by which this server is meant: what `myself` matches."""
from __future__ import annotations

from opensips_py.sip import address_host, address_key, is_ip
from opensips_py.transport.listener import Listener, Port

LONGEST = 4096  # answers remembered


def normal(host: str) -> str:
    """*host* in the one form that we compare: lower case, IPv6 without brackets and shortened."""
    if ":" in host and is_ip(host):
        return address_host(address_key(host, 0))
    return host.lower().rstrip(".")


class Names:
    """Which (host, port, protocol) are ours; port 0 and protocol '' stand for any."""

    def __init__(self) -> None:
        self._known: dict[str, set[tuple[int, str]]] = {}
        self._parents: dict[str, set[tuple[int, str]]] = {}  # whose subdomains are ours as well
        self._answers: dict[tuple[str, int, str], bool] = {}  # what was asked before: every request asks much the same

    def add(self, host: str, port: int = 0, protocol: str = "", subdomains: bool = False) -> None:
        """Have *host* count as ours (an `alias` of the script, a domain of a module)."""
        self._answers.clear()
        name = normal(host)
        self._known.setdefault(name, set()).add((port, protocol))
        if subdomains:
            self._parents.setdefault(name, set()).add((port, protocol))

    def add_listener(self, listener: Listener) -> None:
        """Have the address, name and advertised address of *listener* count as ours."""
        subdomains = bool(listener.options.get("accept_subdomain"))
        self.add(listener.host, listener.port, listener.protocol)
        if listener.hostname:
            self.add(listener.hostname, listener.port, listener.protocol, subdomains)
        if listener.advertised_host:
            self.add(listener.advertised_host, listener.advertised_port or listener.port, listener.protocol, subdomains)

    def forget_listener(self, listener: Listener, others: list[Listener]) -> None:
        """Let nothing count as ours any more that only *listener* was the reason for, and none of *others*."""
        kept = Names()
        gone = Names()
        gone.add_listener(listener)
        for each in others:
            kept.add_listener(each)
        self._answers.clear()
        for table, going, staying in ((self._known, gone._known, kept._known),
                                      (self._parents, gone._parents, kept._parents)):
            for name, entries in going.items():
                table.get(name, set()).difference_update(entries - staying.get(name, set()))

    def is_local(self, host: str, port: Port = 0, protocol: str = "") -> bool:
        """Whether *host*, *port* (0: any) and *protocol* ('': any) are ours."""
        asked = host, port, protocol
        known = self._answers.get(asked)
        if known is None:
            if len(self._answers) >= LONGEST:  # strangers may ask for as many names as they like
                self._answers.clear()
            known = self._answers[asked] = self._find(host, port, protocol)
        return known

    def _find(self, host: str, port: int, protocol: str) -> bool:
        name = host if host in self._known else normal(host)
        if fits(self._known.get(name), port, protocol):
            return True
        if not self._parents:
            return False
        while "." in name:
            name = name.partition(".")[2]
            if fits(self._parents.get(name), port, protocol):
                return True
        return False


def fits(entries: set[tuple[int, str]] | None, port: int, protocol: str) -> bool:
    """Whether one of *entries* covers *port* and *protocol*."""
    if not entries:
        return False
    return any((not port or not known_port or port == known_port)
               and (not protocol or not known_protocol or protocol == known_protocol)
               for known_port, known_protocol in entries)
