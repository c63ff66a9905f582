"""Sizes of profiles in the store."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.modules.dialog.profiles import Profile, Sizes, key_of, profiles_of
from tests.modules.dialog.test_storage import made, stores

__all__ = ["stores"]


def test_names():
    assert list(profiles_of("caller ; my-profile; share/s;b_1/b", True, "x")) == [
        Profile("caller", True), Profile("my-profile", True), Profile("share", True, "s"), Profile("b_1", True, "b")]
    for wrong in ("a b", "a/x", "/s", "$x"):
        with pytest.raises(ConfigError, match="no name"):
            list(profiles_of(wrong, True, "profiles_with_value"))


def test_sizes_of_several_workers(stores):
    ours, theirs = stores(0), stores(1)
    here, there = Sizes(ours), Sizes(theirs)
    here.others, there.others = [theirs], [ours]
    ours.run(here.changing([(("p", "a"), 2), (("p", "b"), 1), (("q", None), 1)]))
    theirs.run(there.changing([(("p", "a"), 1)]))
    for sizes in (here, there):
        assert [sizes.size("p", value) for value in ("a", "b", None)] == [3, 1, 4] and sizes.size("q", None) == 1
        assert sizes.values("p") == [("a", 3), ("b", 1)]
    ours.run(here.changing([(("p", "a"), -2), (("p", "b"), -1)]))
    assert here.values("p") == [("a", 1)] and ours.environment.entries(ours.sizes) == 1


def test_long_values(stores):
    sizes = Sizes(stores(0))
    value = "x" * 600
    sizes.store.run(sizes.changing([(("p", value), 1)]))
    assert sizes.values("p") == [(value, 1)] and sizes.size("p", value) == 1 and len(key_of("p", value)) < 511


def test_counting_anew(stores):
    store = stores(0)
    sizes = Sizes(store)
    store.run(sizes.changing([(("p", "killed"), 5)]))
    dialog = made(1)
    dialog.profiles = [("p", "a"), ("q", None)]
    sizes.rebuild([dialog, made(2)])
    assert sizes.values("p") == [("a", 1)] and sizes.size("q", None) == 1 and sizes.size("p", None) == 1
    assert sizes.leaving(made(3)) is None
    store.run(sizes.leaving(dialog))
    assert store.environment.entries(store.sizes) == 0
