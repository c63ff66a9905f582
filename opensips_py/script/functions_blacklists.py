"""Core functions on blacklists of destinations."""
from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated

from opensips_py.module.kinds import Between, Known, meant
from opensips_py.module.marks import script
from opensips_py.module.run import Route, Run
from opensips_py.script.functions_log import text_of
from opensips_py.script.message_context import context_of
from opensips_py.transport.blacklists import UNUSED, USED, Blacklists, Rule, rule

if TYPE_CHECKING:
    import logging

    from opensips_py.sip import Message

List = Annotated[str, Known("blacklist")]
Port = Annotated[int, Between(0, 65535)]


class BlacklistFunctions:
    """Functions on blacklists."""

    log: logging.Logger
    blacklists: Blacklists
    lists: list[tuple[str, list[str], list[Rule]]]  # what the configuration defines: name, flags, rules

    @script(Route.ANY)
    def use_blacklist(self, run: Run, message: Message, name: List) -> bool:
        """Let a blacklist count for this request."""
        return self.choose(message, text_of(name, run), USED, UNUSED)

    @script(Route.ANY)
    def unuse_blacklist(self, run: Run, message: Message, name: List) -> bool:
        """Let a blacklist no longer count for this request."""
        return self.choose(message, text_of(name, run), UNUSED, USED)

    def no_blacklist(self, name: str) -> str:
        """Why the configuration has no blacklist *name*; empty where it has."""
        known = [*(each for each, _, _ in self.lists), *self.blacklists.lists]
        return "" if name in known else f"there is no blacklist {name}{meant(name, known)}"

    def choose(self, message: Message, name: str, into: str, out_of: str) -> bool:
        """Put the name of a list into one set of a message's context and take it out of the other."""
        if name not in self.blacklists.lists:
            self.log.error("there is no blacklist %s", name)
            return False
        context = context_of(message)
        context.setdefault(into, set()).add(name)
        context.setdefault(out_of, set()).discard(name)
        return True

    @script(Route.ANY)
    def check_blacklist_rule(self, message: Message, name: str | None, address: str, port: Port = 0,
                             protocol: str = "any", pattern: str = "") -> bool:
        """Whether a blacklist, or any that counts for this request, names a destination."""
        used = (message.context or {}).get(USED, ())
        try:
            host = ip_address(address.strip("[]"))
        except ValueError:
            self.log.error("check_blacklist_rule: %r is no IP address", address)
            return False
        wanted = "" if protocol.lower() == "any" else protocol.lower()
        now = self.blacklists.clock()
        return any(each.fits(host, port, wanted, pattern, now) for each in self.blacklists.lists.values()
                   if each.name == name or (not name and (each.default or each.name in used)))

    @script(Route.ANY)
    def add_blacklist_rule(self, name: str, address: str, port: Port = 0, protocol: str = "any", pattern: str = "",
                           expire: int = 0) -> bool:
        """Add a rule to a blacklist, for *expire* seconds or for ever; `!` before the address turns it round."""
        made = self.rule_of(address, port, protocol, pattern)
        return made is not None and self.blacklists.add(name, made, expire)

    @script(Route.ANY)
    def del_blacklist_rule(self, name: str, address: str, port: Port = 0, protocol: str = "any",
                           pattern: str = "") -> bool:
        """Take a rule out of a blacklist."""
        made = self.rule_of(address, port, protocol, pattern)
        return made is not None and self.blacklists.remove(name, made)

    def rule_of(self, address: str, port: int, protocol: str, pattern: str) -> Rule | None:
        """The rule that these parts make; None, and a line in the log, where they make none."""
        try:
            return rule(address, port, protocol, pattern)
        except ValueError as error:
            self.log.error("%s", error)
            return None
