"""What scripts ask to be cached."""
import pytest

from opensips_py.modules.sql_cacher.entry import Entry

FIRST = "id=a\ndb_url=sqlite:///x?a=b\ncachedb_url=local://\ntable=t\nkey=k"


def test_an_entry_with_everything():
    found = Entry.parse(f"{FIRST}\nkey_type=int\ncolumns=b  c\non_demand=1\nexpire=60\n", "\n", " ")
    assert found == Entry("a", "sqlite:///x?a=b", "local://", "t", "k", True, ("b", "c"), True, 60)
    assert found.key_of(found.place("x:y")) == "x:y"


def test_defaults():
    assert Entry.parse(FIRST, "\n", " ") == Entry("a", "sqlite:///x?a=b", "local://", "t", "k", False, (), False, 3600)


def test_other_signs_between():
    text = FIRST.replace("\n", ";") + ";columns=b, c"
    assert Entry.parse(text, ";", ",").columns == ("b", "c")


@pytest.mark.parametrize(("text", "error"), [
    (FIRST.replace("table=t\n", ""), "it lacks table"), (FIRST.replace("id=a", "id="), "it lacks id"),
    (FIRST + "\nwhat=ever", '"what=ever" is not one of'), (FIRST + "\nexpire", '"expire" is not one of'),
    (FIRST + "\nexpire=0", "expire is a number of seconds"), (FIRST + "\nexpire=x", "expire is a number of seconds"),
    (FIRST + "\non_demand=2", "on_demand is 0 or 1"), (FIRST + "\nkey_type=float", "key_type is string or int"),
    (FIRST.replace("id=a", "id=a*"), "is no id")])
def test_wrong_entries(text, error):
    with pytest.raises(ValueError, match=error):
        Entry.parse(text, "\n", " ")
