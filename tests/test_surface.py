"""What we declare against what OpenSIPS 2.1 and 4.0 have: names, defaults, arguments, routes; and its help."""
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from opensips_py import describe
from opensips_py.module.base import Module
from opensips_py.module.declare import Dialect, Parameter, ScriptFunction, chosen
from opensips_py.module.kinds import Flag, Nullable
from opensips_py.module.loader import SURFACE
from opensips_py.script import globals
from tests.surface import declared, upstream
from tests.surface.count import beyond

OUR_OWN = {  # names that OpenSIPS has in neither dialect, and why they are here
    "core/pvars/af": "OpenSIPS 2.4 to 3.0 have it",
    "core/transformations/s.sha1_hmac": "versions between the dialects have it",
    "core/transformations/s.sha224_hmac": "versions between the dialects have it",
    "core/transformations/s.sha256_hmac": "versions between the dialects have it",
    "core/transformations/s.sha384_hmac": "versions between the dialects have it",
    "core/transformations/s.sha512_hmac": "versions between the dialects have it",
    "core/statements/import_python": "an extension: routes written in Python",
    "core/statements/local": "an extension: variables of a block",
    "core/mi/rolling_restart": "an extension: new code arrives without an interruption",
    "core/mi/reload": "an extension: the configuration as a whole, not only its routes",
    "core/mi/trace_on": "an extension: accounts of calls as they pass",
    "core/mi/trace_log": "an extension: the log level of single calls",
    "core/mi/trace_off": "an extension: with trace_on",
    "core/mi/trace_status": "an extension: with trace_on",
    "core/mi/explain": "an extension: what became of a traced call",
    "core/globals/port": "of OpenSIPS 1.x, whose scripts still have it",
    "core/globals/disable_tcp": "of OpenSIPS 1.x, whose scripts still have it",
    "core/globals/disable_tls": "of OpenSIPS 1.x, whose scripts still have it",
    "core/globals/tcp_poll_method": "of OpenSIPS 1.x, whose scripts still have it",
    "core/globals/xlog_default_level": "OpenSIPS 2.2 to 2.4 have it",
    "core/globals/tcp_parallel_read_on_workers": "OpenSIPS 3.3 to 3.6 have it",
    "core/globals/workers": "an extension: the exact number of workers",
    "core/globals/dialect": "an extension: names the dialect where it does not show",
    "core/globals/state_dir": "an extension: where bindings and dialogs outlive the server",
    "acc/statistics/lost_records": "an extension: the journal of the database",
    "acc/statistics/refused_records": "an extension: with lost_records",
    "acc/statistics/waiting_records": "an extension: with lost_records",
    "mi_xmlrpc_ng/params/http_root": "versions between the dialects call mi_xmlrpc_ng_root so",
    "mi_xmlrpc_ng/params/format_version": "OpenSIPS 2.2 to 2.4 have it",
    "event_rabbitmq/statistics/published": "an extension: what brokers have confirmed",
    "event_rabbitmq/statistics/failed": "an extension: what brokers have refused",
    "event_rabbitmq/statistics/dropped": "an extension: what there was no room for",
    "core/operators/<<=": "OpenSIPS 3 has it",
    "core/operators/>>=": "OpenSIPS 3 has it",
}
OUR_DEFAULTS = {  # defaults that differ from the start value of the variable behind it, and why
    "core/disable_stateless_fwd": "-1 there stands for a decision at start-up that comes out as yes",
    "core/dns_use_search_list": "-1 there leaves it to the resolver library, which uses the list",
    "uac/restore_mode": "an unset one means auto, says the manual",
    "event_flatstore/delimiter": "an unset one is a comma, says the manual",
    "event_flatstore/file_permissions": "unset ones are 644, says the manual",
    "acc/log_facility": "an unset one is made LOG_DAEMON at start-up there",
    "cachedb_local/enable_restart_persistency": "what is in the state directory lasts, as everything there does",
    "mi_fifo/fifo_mode": "0 there becomes the 0660 of the manual at start-up",
    "registrar/default_q": "the manual says 0, the start value means no q at all",
    "registrar/gruu_secret": "an unset one is replaced by this word, says the manual",
    "usrloc/working_mode_preset": "an unset one means this preset, says the manual",
    "usrloc/cluster_mode": "an unset one is decided by the preset",
    "usrloc/restart_persistency": "an unset one is decided by the preset",
    "usrloc/sql_write_mode": "an unset one is decided by the preset",
}
CLASSES = (*declared.CORE, *declared.classes())
NAMES = [*declared.of_core(), *(name for cls in declared.classes() for name in declared.declared(cls))]


def beside_facts(dialect: Dialect, kind: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """All that we declare of *kind* ("functions", "parameters"), beside what is known about it."""
    for cls in CLASSES:
        module = declared.surface_module(cls.declarations.name)
        for each in getattr(cls.declarations, kind):
            facts = upstream.entry(module, "params" if kind == "parameters" else kind, each.name, dialect)
            if facts is not None and getattr(each, "dialect", None) in (None, dialect):
                yield f"{module}/{each.name}", each, facts


def cases(kind: str) -> list[Any]:
    """One case for each function or parameter and dialect."""
    return [pytest.param(path, dialect, each, facts, id=f"{path}-{dialect}")
            for dialect in upstream.DIALECTS for path, each, facts in beside_facts(dialect, kind)]


def plain(value: Any) -> Any:
    """A default, however it is written: an empty text is none, on is 1, 0660 is octal."""
    if value is None or value == "" or value == ():
        return None
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value, 8 if value.startswith("0") else 10)
    return int(value) if isinstance(value, bool) else value


def default_of(parameter: Parameter, dialect: Dialect) -> Any:
    """Our default; no flag is -1."""
    default = plain(chosen(parameter.default, dialect))
    kind = parameter.kind.inner if isinstance(parameter.kind, Nullable) else parameter.kind
    return None if isinstance(kind, Flag) and default == -1 else default


def test_every_name_is_upstreams() -> None:
    own = {f"{each.module}/{each.kind}/{each.v21 or each.v40}" for each in beyond(NAMES)}
    assert own == set(OUR_OWN)


def differing(dialect: Dialect) -> Iterator[tuple[str, Any, Any]]:
    """The parameters whose default is not upstream's, with both."""
    for path, parameter, facts in beside_facts(dialect, "parameters"):
        theirs = plain(facts.get("default", facts.get("default_doc")))
        if parameter.setter is None and facts.keys() & {"default", "default_doc"}:
            ours = default_of(parameter, dialect)
            if ours != theirs and not (ours is None and theirs == -1):
                yield path, ours, theirs
    for each in globals.TABLE:
        known = upstream.entry("core", "globals", each.name, dialect)
        if known is not None and "initial" in known and plain(each.default(dialect)) != plain(known["initial"]):
            yield f"core/{each.name}", each.default(dialect), known["initial"]


@pytest.mark.parametrize("dialect", upstream.DIALECTS)
def test_defaults_are_upstreams(dialect: Dialect) -> None:
    assert [each for each in differing(dialect) if each[0] not in OUR_DEFAULTS] == []


def test_no_reason_is_given_without_need() -> None:
    needed = {path for dialect in upstream.DIALECTS for path, _, _ in differing(dialect)}
    modules = {declared.surface_module(cls.declarations.name) for cls in CLASSES}
    assert {path for path in OUR_DEFAULTS if path not in needed and path.partition("/")[0] in modules} == set()


@pytest.mark.parametrize(("path", "dialect", "function", "facts"), cases("functions"))
def test_functions_take_what_upstreams_take(path: str, dialect: Dialect, function: ScriptFunction,
                                            facts: dict[str, Any]) -> None:
    least, most = function.arity
    refused = {count for count in facts["arity"] if count < least or (most is not None and count > most)}
    assert refused == set()
    assert most is None or facts.get("max_args", most) is not None, "any number of arguments"
    assert set(facts.get("routes", ())) <= set(describe.route_names(function.routes))


@pytest.mark.parametrize(("path", "dialect", "function", "facts"), cases("functions"))
def test_arguments_can_be_left_out_where_upstreams_can(path: str, dialect: Dialect, function: ScriptFunction,
                                                       facts: dict[str, Any]) -> None:
    for theirs, ours in zip(facts.get("args", ()), function.arguments, strict=False):
        if isinstance(theirs, dict) and theirs.get("optional"):
            assert ours.optional or ours.kind.nullable, ours.name


def test_what_waits_is_upstreams_and_not_there() -> None:
    ours = {(each.module, each.kind, name) for each in NAMES for name in (each.v21, each.v40)}
    for module, kinds in upstream.waits().items():
        for kind, waiting in kinds.items():
            known = {name for dialect in upstream.DIALECTS for name in upstream.names(dialect).get(module, {})
                     .get(kind, set()) | short_names(module, kind, dialect)}
            assert set(waiting) <= known, (module, kind)
            assert not [name for name in waiting if (module, kind, name) in ours], (module, kind)


def test_what_is_left_out_is_upstreams_and_not_there() -> None:
    ours = {(each.module, each.kind, name) for each in NAMES for name in (each.v21, each.v40)}
    for module, kinds in upstream.left_out().items():
        for kind, names in kinds.items():
            known = {name for dialect in upstream.DIALECTS for name in upstream.names(dialect)[module][kind]}
            assert set(names) <= known and not [name for name in names if (module, kind, name) in ours]
            assert all(names.values()) and not set(names) & set(upstream.waits().get(module, {}).get(kind, ()))


def short_names(module: str, kind: str, dialect: Dialect) -> set[str]:
    """The further names of the management commands of a module."""
    details = upstream.facts(dialect)["modules"].get(module, {}).get("mi_details", {}) if kind == "mi" else {}
    return {name for each in details.values() for name in each.get("aliases", ())}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.declarations.name)
def test_everything_is_explained(cls: type[Module]) -> None:
    assert cls.declarations.overview
    assert [each.keys[0] for each in declared.declared(cls) if not each.help.strip()] == []


def test_hints_know_what_upstream_has() -> None:
    listed = json.loads((SURFACE / "names.json").read_text())["modules"]
    for module, kinds in listed.items():
        for kind in ("functions", "params", "mi", "pvars"):
            known = {name for dialect in upstream.DIALECTS for name in upstream.names(dialect).get(module, {})
                     .get(kind, ())}
            assert set(kinds.get(kind, ())) == known, (module, kind)
    assert set(listed) == {name for dialect in upstream.DIALECTS for name in upstream.facts(dialect)["modules"]}
