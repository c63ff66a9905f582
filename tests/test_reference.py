"""The reference: everything that is declared stands in it, with its help, once."""
import re

import pytest

from opensips_py import reference
from opensips_py.module import loader
from opensips_py.script import globals
from opensips_py.script.core import Core


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("reference")
    reference.write(made)
    return made


def headings(text):
    return re.findall(r"^### `(.+)`$", text, re.M)


def test_every_module_has_its_page_and_stands_in_the_index(folder):
    index = (folder / "index.md").read_text()
    for name in loader.available():
        assert f"(modules/{name}.md)" in index
        declared = loader.find(name).declarations
        found = headings((folder / "modules" / f"{name}.md").read_text())
        for each in (*declared.functions, *declared.parameters, *declared.commands, *declared.events):
            if getattr(each, "help", ""):
                assert any(re.match(rf"{re.escape(each.name)}\b|.*:{re.escape(each.name)}\b", one) for one in found) \
                    or getattr(each, "v40", None) or getattr(each, "v21", None), (name, each.name)


def test_every_link_of_the_index_leads_to_a_page(folder):
    for target in re.findall(r"\]\((.+?)\)", (folder / "index.md").read_text()):
        assert (folder / target).exists(), target


def test_core_parameters_routes_functions_variables(folder):
    assert set(headings((folder / "parameters.md").read_text())) == {each.name for each in globals.TABLE}
    assert "timer_route" in (folder / "routes.md").read_text()
    core = headings((folder / "core.md").read_text())
    for each in Core.declarations.functions:
        assert any(one.startswith(f"{each.name}(") for one in core), each.name
    for each in Core.declarations.variables:
        assert any(one.startswith(f"${each.name}") for one in core), each.name


def test_what_one_dialect_has_alone_is_marked(folder):
    text = (folder / "modules" / "sipmsgops.md").read_text()
    assert re.search(r"### `has_totag\(\)`\n\n\*Dialect 4.0 alone", text)
    assert "default `10000`" not in text
    assert "`100` in 2.1, `10000` in 4.0" in (folder / "parameters.md").read_text()
