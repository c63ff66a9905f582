from opensips_py.script.absent import Absent
from opensips_py.script.core import registry_with_core


def test_each_missing_module_is_explained_once():
    absent = Absent(registry_with_core())
    assert not absent.explained("functions", "record_route")
    assert absent.explained("functions", "loose_route") and absent.explained("pvars", "rr_params")
    assert not absent.explained("functions", "t_relay")


def test_a_module_that_could_not_be_loaded_is_explained_already():
    absent = Absent(registry_with_core(), ["rr"])
    assert absent.explained("functions", "record_route")


def test_names_that_nobody_has_are_never_explained():
    absent = Absent(registry_with_core(), ["rr"])
    assert not absent.explained("functions", "nonsense") and not absent.explained("functions", "nonsense")


def test_what_a_loaded_module_lacks_is_said_at_each_place():
    registry = registry_with_core()
    registry.add("rr.so")
    absent = Absent(registry)
    assert [absent.explained("functions", "record_route") for _ in range(2)] == [False, False]
