"""Where caches are found."""
from opensips_py.module.caches import Cache, Caches, scheme


def test_caches_are_found_by_the_name_they_were_registered_under():
    known, one, other = Caches(), Cache(), Cache()
    known.register("redis", one)
    known.register("redis:cluster1", other)
    assert (known.find("redis"), known.find(" redis:cluster1 "), known.find("redis:none")) == (one, other, None)


def test_the_kind_of_a_cache_stands_before_its_group():
    assert [scheme(each) for each in ("local", "redis:cluster1", " mongodb:a ")] == ["local", "redis", "mongodb"]
