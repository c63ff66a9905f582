"""The core as a module: its pseudo-variables, transformations and functions, declared as those of any other."""
from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opensips_py.errors import ScriptError
from opensips_py.module.base import Module
from opensips_py.module.declare import Dialect
from opensips_py.module.marks import process_state, transformation
from opensips_py.module.registry import Registry
from opensips_py.script import formatting
from opensips_py.script.binding import Scope
from opensips_py.script.flags import Flags
from opensips_py.script.functions_blacklists import BlacklistFunctions
from opensips_py.script.functions_branches import BranchFunctions
from opensips_py.script.functions_cache import CacheFunctions
from opensips_py.script.functions_events import EventFunctions
from opensips_py.script.functions_flags import FlagFunctions
from opensips_py.script.functions_log import LogFunctions
from opensips_py.script.functions_send import SendFunctions
from opensips_py.script.functions_status import StatusFunctions
from opensips_py.script.functions_trace import TraceFunctions
from opensips_py.script.functions_uri import UriFunctions
from opensips_py.script.levels import NOTICE, Levels
from opensips_py.script.pvars_auth import AuthVariables
from opensips_py.script.pvars_body import BodyVariables
from opensips_py.script.pvars_branches import BranchVariables
from opensips_py.script.pvars_headers import HeaderVariables
from opensips_py.script.pvars_request import RequestVariables
from opensips_py.script.pvars_run import RunVariables
from opensips_py.script.pvars_socket import SocketVariables
from opensips_py.script.transformations_net import AddressOfTransformations, ListTransformations
from opensips_py.script.transformations_sip import AddressTransformations, UriTransformations, ViaTransformations
from opensips_py.script.transformations_string import StringTransformations
from opensips_py.transport.blacklists import OF_DNS, Blacklists, Rule, rule
from opensips_py.transport.bonds import BOND, Bond, bond

if TYPE_CHECKING:
    from opensips_py.module.run import Run
    from opensips_py.module.services import Services


class Lookups:
    """What the parts of the core ask each other for; stands before them so that its answer counts."""

    services: Services
    bonds: dict[str, Bond]

    def socket_named(self, text: str) -> Any:
        """The socket that *text* describes: [protocol:]host[:port], the tag it was given, or bond:name."""
        protocol, _, name = text.strip().partition(":")
        if protocol.lower() == BOND:
            return self.bonds.get(name)
        wanted = text.strip().lower()
        for each in self.services.transports.listeners:
            if wanted in (each.uri_text.lower(), (each.name or "").lower(), f"{each.host}:{each.port}", each.host,
                          f"{each.protocol}:{each.host}"):
                return each
        return None


class Core(Module, Lookups, RequestVariables, HeaderVariables, RunVariables, SocketVariables, BranchVariables,
           AuthVariables, BodyVariables, StringTransformations, UriTransformations, ViaTransformations,
           AddressTransformations, AddressOfTransformations, ListTransformations, UriFunctions, FlagFunctions,
           LogFunctions, BranchFunctions, SendFunctions, EventFunctions, BlacklistFunctions, TraceFunctions,
           CacheFunctions, StatusFunctions, name="core"):
    """What every script knows without loading a module."""

    log: logging.Logger
    dialect: Dialect
    blacklists: Blacklists = process_state()
    evaluated: Callable[[str], Callable[[Run], Any]]  # a text that a variable holds, compiled

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.flags = Flags()
        self.levels = Levels()
        self.options: dict[str, str] = {}
        self.unavailable: list[str] = []  # modules whose loadmodule line has been complained of
        self.lists: list[tuple[str, list[str], list[Rule]]] = []
        self.blacklists = Blacklists()
        self.bonds = {}
        self.bond_members: dict[str, list[str]] = {}
        self.identifiers = itertools.count(1)

    def configure(self, values: Mapping[str, Any]) -> None:
        """Take over the core parameters that variables and functions depend on."""
        xlog = values["xlog_level"]
        if xlog is None:  # in 2.1 the level of the log is that of xlog(), too
            xlog = values["log_level"] if self.dialect == "2.1" else NOTICE
        self.levels = Levels(values["log_level"], xlog, values["xlog_print_level"], bool(values["xlog_force_color"]),
                             values["xlog_buf_size"])
        self.lists = [(each.name, each.flags, [rule(one.network, one.port, one.protocol, one.pattern,
                                                    negated=one.negated) for one in each.rules])
                      for each in values["dst_blacklist"]]
        if not values["disable_dns_blacklist"]:
            self.lists.append((OF_DNS, ["expire", "default"], []))
        language = self.registry.script
        if isinstance(language, Scope):
            language.avp_aliases = aliases_of(values["avp_aliases"])

    def start(self) -> None:
        for name, flags, rules in self.lists:
            self.blacklists.define(name, flags, rules)
        listeners = self.services.transports.listeners
        self.bonds = {name: made for name, members in self.bond_members.items()
                      if (made := bond(name, members, listeners)) is not None}
        self.services.transactions.blacklists = self.blacklists if self.blacklists.lists else None

    @transformation("s.eval")
    def s_eval(self, run: Run, text: str) -> str | None:
        """The text with the variables in it replaced by their values."""
        try:
            return formatting.shown(self.evaluated(text)(run))
        except (ValueError, ScriptError) as error:
            self.log.error("{s.eval}: %s", error)
            return None


def aliases_of(text: str) -> dict[str, str]:
    """The short names in avp_aliases: name=avp;name=avp."""
    pairs = (each.partition("=") for each in text.split(";"))
    return {name.strip(): avp.strip() for name, equals, avp in pairs if equals}


def registry_with_core(dialect: Dialect = "4.0", mpath: Iterable[str] = ()) -> Registry:
    """A registry that knows the core: its names, flags by name, and the language for texts of modules."""
    registry = Registry(dialect, mpath)
    core = registry.add_class(Core)
    assert isinstance(core, Core)
    registry.flag = core.flags.number
    registry.flag_text = core.flags.text
    registry.flag_bits = core.flags.known
    registry.flag_outward, registry.flag_inward = core.flags.outward, core.flags.inward
    registry.checks.update({"cache": core.no_cache, "bond": core.no_bond, "blacklist": core.no_blacklist,
                            "socket": core.no_socket,
                            "group of status reports": core.no_group})
    registry.script = Scope(registry)
    # Not a method of the core: that would hold the core, and it this, until somebody searches for cycles.
    core.evaluated = lru_cache(256)(Scope(registry).format)
    return registry
