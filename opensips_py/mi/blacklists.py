"""The management commands for blacklists; they run in the workers, which keep to them."""
from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Any

from opensips_py.errors import MIError
from opensips_py.module import Between, Module, first, mi
from opensips_py.transport.blacklists import Blacklist, Blacklists, Rule, rule

BAD, NOT_FOUND, FORBIDDEN = 400, 404, 403
Port = Annotated[int, Between(0, 65535)]


def parsed(text: str) -> Rule:
    """A rule as the configuration writes it: ``!proto,network,port,pattern``, all but the network may be missing."""
    negated = text.strip().startswith("!")
    parts = [part.strip(" '\"") for part in text.strip().strip("()").lstrip("!").split(",")]
    if parts and not any(char.isdigit() or char == ":" for char in parts[0]):
        protocol, parts = parts[0], parts[1:]
    else:
        protocol = ""
    try:
        network, port, pattern = (*parts, "", "", "")[:3]
        return rule(network, int(port or 0), protocol, pattern, negated=negated)
    except ValueError as error:
        raise MIError(BAD, f"{text}: {error}") from None


def described(one: Rule, until: float, now: float) -> dict[str, Any]:
    """One rule as management lists it."""
    result: dict[str, Any] = {"IP": str(one.network), "flags": "not" if one.negated else "none"}
    if one.protocol:
        result["proto"] = one.protocol
    if one.port:
        result["port"] = one.port
    if one.pattern:
        result["match"] = one.pattern
    return {**result, "expire": int(until - now)} if until else result


class BlacklistCommands(Module, name="mi_blacklists"):
    """Blacklists of destinations: every worker has them all."""

    @property
    def blacklists(self) -> Blacklists:
        """The blacklists of this worker."""
        core: Any = self.registry.modules["core"]
        found: Blacklists = core.blacklists
        return found

    @mi("list_blacklists", v40="blacklists:list")
    def list_blacklists(self, name: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """All blacklists with their rules, or the one called *name*."""
        now = self.blacklists.clock()
        chosen = [self.named(name)] if name is not None else list(self.blacklists.lists.values())
        for each in chosen:
            each.prune(now)
        return {"Lists": [{"name": each.name, "flags": ",".join(flags(each)) or "none",
                           "Rules": [described(one, until, now) for one, until in each.rules.items()]}
                          for each in chosen]}

    @mi(None, "check_blacklists", v40="blacklists:check_all")
    def check_all(self, proto: str | None = None, ip: str | None = None, port: Port = 0,
                  pattern: str = "") -> list[str]:
        """The names of all blacklists that name the destination *ip* (or *proto* *ip* ...)."""
        protocol, address = destination(proto, ip)
        now = self.blacklists.clock()
        return [each.name for each in self.blacklists.lists.values()
                if each.fits(address, port, protocol, pattern, now)]

    @mi(None, "check_blacklist", v40="blacklists:check")
    def check(self, name: str, proto: str | None = None, ip: str | None = None, port: Port = 0,
              pattern: str = "") -> dict[str, Any]:
        """The first rule of blacklist *name* that names the destination *ip* (or *proto* *ip* ...)."""
        protocol, address = destination(proto, ip)
        now = self.blacklists.clock()
        for one, until in self.named(name).rules.items():
            if (not until or until > now) and one.fits(address, port, protocol, pattern):
                return described(one, until, now)
        raise MIError(NOT_FOUND, "no rule matches")

    @mi(None, "add_blacklist_rule", v40="blacklists:add_rule", scope="each", merge=first)
    def add_blacklist_rule(self, name: str, rule: str, expire: int = 0) -> None:
        """Add *rule* (``!proto,network,port,pattern``) to blacklist *name*, for *expire* seconds or for ever."""
        self.named(name)
        if not self.blacklists.add(name, parsed(rule), expire):
            raise MIError(FORBIDDEN, f"blacklist {name} is readonly" if not expire else
                          f"blacklist {name} is readonly, or its rules do not expire")

    @mi(None, "del_blacklist_rule", v40="blacklists:del_rule", scope="each", merge=first)
    def del_blacklist_rule(self, name: str, rule: str) -> None:
        """Take *rule* out of blacklist *name*."""
        self.named(name)
        if not self.blacklists.remove(name, parsed(rule)):
            raise MIError(NOT_FOUND, f"blacklist {name} has no such rule, or is readonly")

    def named(self, name: str) -> Blacklist:
        """The blacklist called *name*; MIError where there is none."""
        try:
            return self.blacklists.lists[name]
        except KeyError:
            raise MIError(NOT_FOUND, f"there is no blacklist {name}") from None


def flags(one: Blacklist) -> list[str]:
    """The flags of a blacklist by name."""
    return [name for name, on in (("default", one.default), ("readonly", one.readonly), ("expire", one.expires)) if on]


def destination(proto: str | None, ip: str | None) -> tuple[str, IPv4Address | IPv6Address]:
    """Protocol ('' for any) and address; an address alone may stand in the place of the protocol."""
    if ip is None:
        proto, ip = None, proto
    try:
        return ("" if proto is None or proto.lower() == "any" else proto.lower()), ip_address((ip or "").strip("[]"))
    except ValueError:
        raise MIError(BAD, f"{ip or ''!r} is no IP address") from None
