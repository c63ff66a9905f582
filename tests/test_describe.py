"""What `modules --json` prints, key by key beside the facts about OpenSIPS."""
import json

import pytest

from opensips_py import describe
from opensips_py.module import loader
from tests.surface import upstream

MODULES = ("maxfwd", "sl", "tm")
ABOUT_C = {"depends_doc", "depends_reverse", "external", "undocumented",
    "uses_api_of"}  # of its sources, not of its use


def beside(module, dialect):
    """Our data and the facts."""
    data = json.loads(json.dumps(describe.data_of(loader.find(module), dialect)))
    return data, upstream.facts(dialect)["modules"][module]


def expected(module, kind, facts):
    """The names that there should be: what OpenSIPS has, but what waits for another module."""
    names = {each if isinstance(each, str) else each["name"] for each in facts[kind]}
    return names - set(upstream.waits().get(module, {}).get(kind, ()))


both = pytest.mark.parametrize(("module", "dialect"),
    [(each, dialect) for each in MODULES for dialect in ("2.1", "4.0")])


@both
def test_every_key_of_the_facts_is_there(module, dialect):
    data, facts = beside(module, dialect)
    assert set(facts) - ABOUT_C <= set(data)


@both
def test_names(module, dialect):
    data, facts = beside(module, dialect)
    for kind in ("functions", "mi", "statistics", "pvars", "events"):
        found = {each if isinstance(each, str) else each["name"] for each in data[kind]}
        if kind == "statistics" and dialect == "2.1":  # a counter that only 4.0 shows counts in 2.1 as well
            found &= expected(module, kind, facts)
        assert found == expected(module, kind, facts), kind


@both
def test_functions(module, dialect):
    data, facts = beside(module, dialect)
    ours = {each["name"]: each for each in data["functions"]}
    for each in facts["functions"]:
        if each["name"] in ours:
            found = ours[each["name"]]
            assert set(each) <= set(found)
            assert found["arity"] == each["arity"]
            if "args" in each:  # 2.1 knows no types
                assert [{key: one[key] for key in one if key != "name"} for one in found["args"]] == each["args"]
            assert set(each["routes"]) <= set(found["routes"])
            assert found["async"] >= each["async"]


@both
def test_parameters(module, dialect):
    data, facts = beside(module, dialect)
    ours = {name: each for each in data["params"] for name in (each["name"], *each.get("aliases", ()))}
    assert expected(module, "params", facts) <= set(ours)
    for each in facts["params"]:
        if each["name"] in ours:
            found = ours[each["name"]]
            assert found["type"] == each["type"] or found["type"] == "flag"
            known = each.get("default_doc", each.get("default"))
            if found["type"] != "flag" and "default" in found and not each.get("setter"):
                assert (found["default"] or None) == (known or None)


@both
def test_variables_and_commands(module, dialect):
    data, facts = beside(module, dialect)
    for name, details in facts["pvar_details"].items():
        if name in data["pvar_details"]:
            assert {key: data["pvar_details"][name][key] for key in details} == details
    if dialect == "4.0":
        for name, details in facts["mi_details"].items():
            found = data["mi_details"].get(name)
            assert found is None or (found["short"] == details["short"]
                                     and min(details["recipes"], key=len) in found["recipes"]), name


def test_dependencies():
    data = describe.data_of(loader.find("registrar"))
    assert "usrloc" in data["depends"] and "signaling" in data["depends"]


def test_a_manual_page():
    text = describe.text_of(loader.find("maxfwd"))
    assert text.startswith("maxfwd\n======\n\nCount Max-Forwards down")
    assert "  max_limit (int, default 256)\n      Larger values" in text
    assert "  mf_process_maxfwd_header(max_value)\n" in text and "From request routes." in text
    assert "Returns 1 (decreased), 2 (added), -1 (exhausted)." in text


def test_a_chapter_of_the_reference():
    text = describe.markdown_of(loader.find("sl"))
    for part in ("# sl\n", "\n## Functions\n\n### `sl_reply_error()`\n\n", "\n### `sent_replies`\n"):
        assert part in text


def test_all_at_once():
    found = describe.all_of([loader.find(each) for each in MODULES], "2.1")
    assert (found["version"], sorted(found["modules"])) == ("2.1", list(MODULES))
