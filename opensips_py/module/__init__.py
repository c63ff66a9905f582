"""What a module may declare, and what it may use: with opensips_py.sip, all that a plug-in imports."""
from opensips_py.blocking import deadline
from opensips_py.blocking import run as run_blocking
from opensips_py.errors import ConfigError, MIError, ScriptError
from opensips_py.module.base import Module
from opensips_py.module.cachedb import CacheDbUrl, CacheDriver, CacheUrl, cache_driver, cachedb
from opensips_py.module.caches import Cache, CacheError
from opensips_py.module.databases import Cached, DatabaseDriver, DbUrl, Watching, database, driver, form_of
from opensips_py.module.declare import Dialect
from opensips_py.module.event import Event
from opensips_py.module.hookspecs import hookimpl
from opensips_py.module.kinds import (
    AvpSpec,
    Between,
    Bits,
    Flag,
    Format,
    Kind,
    Literal,
    OneOf,
    Regex,
    RouteName,
    TableOf,
    Unfit,
    Variable,
    VariableKind,
    VariableSpec,
    Writable,
    WritableKind,
    meant,
)
from opensips_py.module.marks import (
    by_dialect,
    counter,
    gauge,
    mi,
    param,
    param_setter,
    process_state,
    pvar,
    script,
    statistic,
    timer,
    transformation,
    uses,
)
from opensips_py.module.merge import add_up, concatenate, first
from opensips_py.module.pattern import Pattern
from opensips_py.module.python_routes import route
from opensips_py.module.results import STOP, AuthResult, ReturnCode
from opensips_py.module.run import Route, Run
from opensips_py.module.script_message import ScriptMessage
from opensips_py.module.services import Services
from opensips_py.module.statistic import Counter
from opensips_py.module.trace import current as traced_call
from opensips_py.transaction import Branch, Transaction

__all__ = [
    "STOP", "AuthResult", "AvpSpec", "Between", "Bits", "Branch", "Cache", "CacheDbUrl", "CacheDriver", "CacheError",
    "CacheUrl", "Cached", "ConfigError", "Counter", "DatabaseDriver", "DbUrl", "Dialect", "Event", "Flag", "Format",
    "Kind", "Literal", "MIError", "Module", "OneOf", "Pattern", "Regex", "ReturnCode", "Route", "RouteName", "Run",
    "ScriptError", "ScriptMessage", "Services", "TableOf", "Transaction", "Unfit", "Variable", "VariableKind",
    "VariableSpec", "Watching", "Writable", "WritableKind", "add_up", "by_dialect", "cache_driver", "cachedb",
    "concatenate", "counter", "database", "deadline", "driver", "first", "form_of", "gauge", "hookimpl", "meant", "mi",
    "param", "param_setter", "process_state", "pvar", "route", "run_blocking", "script", "statistic", "timer",
    "traced_call", "transformation", "uses",
]
