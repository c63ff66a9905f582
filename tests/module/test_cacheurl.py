"""URLs of caches."""
import pytest

from opensips_py.module.cacheurl import CacheUrl, Servers


@pytest.mark.parametrize(("text", "name", "rest"), [
    ("local://", "local", "//"), ("local:///one", "local", "///one"), ("local:g:///two", "local:g", "///two"),
    ("redis:group1://localhost:6379/", "redis:group1", "//localhost:6379/"),
    ("sql:1st-mysql://root:vlad@localhost/db", "sql:1st-mysql", "//root:vlad@localhost/db"),
    (" REDIS://h/ ", "redis", "//h/")])
def test_names_and_what_is_behind_them(text, name, rest):
    found = CacheUrl.parse(text)
    assert (found.name, found.rest) == (name, rest)


@pytest.mark.parametrize(("text", "expected"), [
    ("redis://h", Servers(hosts=(("h", 0),))),
    ("redis://h:1/3", Servers(hosts=(("h", 1),), database="3")),
    ("redis:g://u:p@ss:w@h:1,[::1]:2, i/", Servers("u", "p@ss:w", (("h", 1), ("::1", 2), ("i", 0)))),
    ("redis://:pw@h/?socket=/run/x&a=b", Servers("", "pw", (("h", 0),), "", (("socket", "/run/x"), ("a", "b")))),
    ("redis://user@h/", Servers("user", "", (("h", 0),)))])
def test_servers(text, expected):
    assert CacheUrl.parse(text).servers() == expected


def test_options_have_defaults():
    found = CacheUrl.parse("redis://h/?a=1").servers()
    assert (found.option("a"), found.option("b", "2"), found.option("c")) == ("1", "2", "")


@pytest.mark.parametrize("text", ["", "local", "redis:host:6379", "://", "9a://h"])
def test_what_is_no_url(text):
    with pytest.raises(ValueError, match="the URL of a cache looks like"):
        CacheUrl.parse(text)


@pytest.mark.parametrize(("text", "error"), [
    ("redis://h:70000/", "70000 is no port"), ("redis://h:x/", '"h:x" is no host'),
    ("redis://a@b@c/", "a URL of redis looks like")])
def test_wrong_servers(text, error):
    with pytest.raises(ValueError, match=error):
        CacheUrl.parse(text).servers()


def test_passwords_are_not_shown():
    text = "redis:g://user:se@cret/x@host:1/"
    assert str(CacheUrl.parse(text)) == "redis:g://user@host:1/"
    assert "cret" not in repr(CacheUrl.parse(text)) + repr(CacheUrl.parse(text.replace("/x", "")).servers())
