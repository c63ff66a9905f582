"""docs/script/extension.md: each script is run, and logs what the page says it does; each wrong one is refused so."""
import logging
import pathlib
import re
from itertools import pairwise

import pytest

from opensips_py.script import configuration
from tests.script.conftest import INVITE, World
from tests.script.script import missing, run_of

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "script" / "extension.md"
BLOCKS = re.findall(r"^```([\w-]+) ?([\w.]*)\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
PAIRS = [(kind, text, told) for (kind, _, text), (follows, _, told) in pairwise(BLOCKS)
         if kind.startswith("opensips") and follows == "text"]
PYTHON = {name: text for kind, name, text in BLOCKS if kind == "python"}


def read(text):
    files = {"page.cfg": text, **PYTHON}
    return configuration.read("page.cfg", {}, lambda path: files[path] if path in files else missing(path))


def test_each_script_is_followed_by_what_it_does():
    assert len(PAIRS) == len([kind for kind, *_ in BLOCKS if kind.startswith("opensips")]) >= 9


@pytest.mark.parametrize(("kind", "text", "told"), PAIRS)
def test_a_script(kind, text, told, caplog):
    found = read(text)
    errors = [each.message for each in found.diagnostics.in_order() if each.severity == "error"]
    if kind == "opensips-wrong":
        assert errors == told.splitlines()
        return
    assert not found.diagnostics.found, found.diagnostics.render()
    world = World()
    found.registry.modules["core"].services = world.services
    found.registry.modules["core"].levels.xlog = logging.DEBUG
    with caplog.at_level(logging.DEBUG, "opensips_py.script"):
        run_of(found, message=world.message(INVITE), services=world.services)
    assert caplog.messages == told.splitlines()
