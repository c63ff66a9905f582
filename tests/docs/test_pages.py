"""Every example in the documentation: scripts are right, commands exist, links lead somewhere."""
import pathlib
import re
import subprocess
import sys

import pytest

from opensips_py.script.preprocessor import read_text
from opensips_py.server import generation

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "reference" not in path.parts)
BLOCK = re.compile(r"^```([\w-]*)[^\n]*\n(.*?)^```$", re.M | re.S)
AROUND = """socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so" loadmodule "signaling.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "rr.so"
loadmodule "maxfwd.so" loadmodule "sipmsgops.so" loadmodule "usrloc.so"
modparam("usrloc", "working_mode_preset", "single-instance-no-db")
loadmodule "registrar.so"
route {{
{body}
}}
"""


def blocks(kind):
    return [pytest.param(match[2], id=f"{path.relative_to(DOCS)}:{path.read_text()[:match.start()].count(chr(10)) + 1}")
            for path in PAGES for match in BLOCK.finditer(path.read_text()) if match[1] == kind]


def errors(text):
    read = generation.read("page.cfg", {}, lambda path: text if path == "page.cfg" else read_text(path))
    return read.diagnostics.render() if read.diagnostics.errors else ""


@pytest.mark.parametrize("text", blocks("opensips"))
def test_whole_scripts(text):
    assert not errors(text)


@pytest.mark.parametrize("body", blocks("opensips-part"))
def test_parts_of_scripts(body):
    assert not errors(AROUND.format(body=body))


@pytest.mark.parametrize("text", blocks("python"))
def test_python_is_python(text):
    compile(text, "page.py", "exec")


@pytest.fixture
def examples(tmp_path):
    """The modules of the page about modules, as files; what checks a script that loads them."""
    for match in BLOCK.finditer((DOCS / "writing-a-module.md").read_text()):
        if match[1] == "python":
            name = re.search(r'Module, name="(\w+)"', match[2])[1]
            (tmp_path / f"{name}.py").write_text(match[2])

    def checked(rest):
        (tmp_path / "x.cfg").write_text(f'mpath="{tmp_path}"\nsocket=udp:127.0.0.1:5060\nloadmodule "proto_udp.so"\n'
                                        f'loadmodule "sl.so"\n{rest}')
        return subprocess.run([sys.executable, "-m", "opensips_py", "check", str(tmp_path / "x.cfg")],
                              capture_output=True, text=True, timeout=60)
    return checked


def test_the_example_module_works(examples):
    done = examples('loadmodule "greeter.so"\nmodparam("greeter", "word", "Hi")\n'
                    'route { greet($fU); xlog("$greeting"); sl_send_reply(200, "OK"); }\n')
    assert done.returncode == 0, done.stderr


def test_the_example_with_a_table_works(examples):
    rest = 'loadmodule "greylist.so"\nroute { if (!is_grey($fU)) add_grey($fU); sl_send_reply(480, "Later"); }\n'
    refused = examples(rest)
    assert "names no database, nor does db_default_url" in refused.stderr
    refused = examples(rest.replace("route", 'modparam("greylist", "db_url", "mysql://u:p@h/d")\nroute'))
    assert "mysql://u@h/d needs its driver" in refused.stderr and 'help: add loadmodule "db_mysql.so"' in refused.stderr
    done = examples('db_default_url="sqlite:///nowhere.sqlite"\nloadmodule "db_sqlite.so"\n' + rest)
    assert done.returncode == 0, done.stderr


def test_commands_exist():
    shown = subprocess.run([sys.executable, "-m", "opensips_py", "--help"], capture_output=True, text=True, timeout=60)
    for path in PAGES:
        for match in BLOCK.finditer(path.read_text()):
            for name in re.findall(r"^opensips-py ([a-z]+)", match[2], re.M) if match[1] == "sh" else ():
                assert f" {name} " in shown.stdout, f"{path.name}: {name}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#:]+\.md)\)", path.read_text()):
        if not target.startswith("reference/") and target != "script/extension.md":
            assert (path.parent / target).exists(), target
