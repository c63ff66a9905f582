"""The core as a whole: its parts do not tread on each other, and everything is declared with help."""
import pytest

from opensips_py.module.base import Module
from opensips_py.script import globals as core_globals
from opensips_py.script.core import Core, registry_with_core

MEANT = {"socket_named", "log", "dialect", "services", "flags", "levels", "options", "identifiers"}


def test_no_part_of_the_core_hides_a_name_of_another():
    seen: dict[str, str] = {}
    for part in Core.__mro__[1:]:
        names = set() if part in (object, Module) else {each for each in vars(part) if not each.startswith("__")}
        for name in names - MEANT:
            assert name not in seen, f"{name} is in {seen[name]} and in {part.__name__}"
            seen[name] = part.__name__
    assert not set(seen) & {each for each in vars(Module) if not each.startswith("__")}


def test_every_declaration_has_help():
    for each in (*Core.declarations.functions, *Core.declarations.variables, *Core.declarations.transformations):
        assert each.help.endswith("."), each.name


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_names_are_declared_once(dialect):
    for declared in (Core.declarations.functions, Core.declarations.variables):
        names = [each.name for each in declared if each.dialect in (None, dialect)]
        assert len(names) == len(set(names))


def test_a_text_of_a_module_is_compiled_and_its_errors_are_value_errors(world):
    written = world.scope.format("from $fU to $(ru{uri.host}): $var(none)")
    assert written(world.run) == "from alice to biloxi.com: <null>"
    assert world.scope.format("$var(none)")(world.run) is None
    assert world.scope.format("")(world.run) == ""
    with pytest.raises(ValueError, match="unknown"):
        world.scope.format("to $nosuch")
    spec = world.scope.variable("$avp(x)")
    assert (spec.text, spec.type, spec.name) == ("$avp(x)", "avp", "x")
    spec.write(world.run, 5)
    assert spec.read(world.run) == 5
    with pytest.raises(ValueError):
        world.scope.variable("avp(x)")


def test_core_parameters_reach_what_depends_on_them(world):
    values = core_globals.defaults("4.0") | {"log_level": 3, "xlog_level": -1, "xlog_force_color": True,
                                             "avp_aliases": "short=s:a_long_name; other=i:5"}
    world.core.configure(values)
    assert (world.value("$log_level"), world.value("$xlog_level"), world.value("$C(rx)")) == (3, -1, "\x1b[31m")
    world.assign("$avp(short)", 1)
    world.assign("$(avp(other)[append])", 2)
    assert world.run.avps == {"s:a_long_name": [1], "i:5": [2]}
    world.core.configure(core_globals.defaults("4.0") | {"log_level": 4})
    assert (world.value("$xlog_level"), world.core.levels.default) == (2, 2)  # whatever the level of the log


def test_in_2_1_the_level_of_the_log_is_that_of_the_script_too():
    core = registry_with_core("2.1").modules["core"]
    core.configure(core_globals.defaults("2.1") | {"log_level": 4})
    assert (core.levels.xlog, core.levels.default) == (4, -1)


def test_messages_are_numbered(world):
    first = world.value("$mi")
    assert world.value("$mi") == first and world.on_invite().value("$mi") == first + 1
