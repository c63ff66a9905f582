"""Who may import whom: the layers of the core, its modules, and the sans-IO parts."""
from __future__ import annotations

import ast
import functools
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = [["errors"], ["sip"], ["state"], ["timers", "_timers", "statistics", "blocking", "restraint"], ["transport"],
          ["transaction"], ["dialog"], ["db"], ["module"], ["script"], ["mi", "events"], ["server"],
          ["describe", "reference", "explain", "testing"], ["lsp"], ["asking"], ["cli_calls", "cli_db", "cli_reload"],
          ["cli", "__main__"]]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
WITHOUT_IO = ["sip", "dialog", "transaction/tables.py"]
IO = {"gevent", "socket", "time", "random", "select", "ssl", "threading", "subprocess"}
TYPING_ONLY = re.compile(r"^if (typing\.)?TYPE_CHECKING:$")


def sources(folder: str) -> list[pathlib.Path]:
    base = ROOT / folder
    found = [base] if base.is_file() else [p for p in base.rglob("*") if p.suffix in {".py", ".pyx"}]
    return sorted(p for p in found if "opensips_py/modules" not in str(p.relative_to(ROOT)))


@functools.cache
def imports(path: pathlib.Path, typing_too: bool = False) -> set[str]:
    """Dotted names that *path* imports when it runs; compiled sources are read line by line."""
    text = path.read_text()
    package = list(path.relative_to(ROOT).parent.parts)
    if path.suffix == ".pyx":
        pattern = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import|c?import\s+([\w.]+))", re.M)
        return {a or b for a, b in pattern.findall(text)}
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and not typing_too and TYPING_ONLY.match(f"if {ast.unparse(node.test)}:"):
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            found.add(name)
            found.update(f"{name}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(text))
    return found


def core_parts(names: set[str]) -> set[str]:
    return {parts[1] for parts in (name.split(".") for name in names) if parts[0] == "opensips_py" and len(parts) > 1}


def test_every_part_of_the_core_has_its_layer():
    entries = {p.stem if p.suffix else p.name for p in (ROOT / "opensips_py").iterdir()
               if p.suffix in {".py", ".pyx"} or (p / "__init__.py").exists()}
    assert entries - set(RANK) - {"__init__", "modules", "surface"} == set()  # surface: data


@pytest.mark.parametrize("path", sources("opensips_py"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path):
    part = path.relative_to(ROOT / "opensips_py").parts[0].removesuffix(".py").removesuffix(".pyx")
    if part == "__init__":
        return
    upward = {name for name in core_parts(imports(path)) if name in RANK and RANK[name] > RANK[part]}
    assert not upward, f"{path.relative_to(ROOT)} imports upward: {upward}"


@pytest.mark.parametrize("path", sources("modules"), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_stay_out_of_the_server_and_of_each_other(path):
    parts = core_parts(imports(path))
    assert not parts & {"server", "cli", "describe", "testing"}, path
    assert not {n for n in imports(path) if n.startswith("opensips_py.script")}, path
    others = {n.split(".")[2] for n in imports(path) if n.startswith("opensips_py.modules.") and n.count(".") >= 2}
    own = path.relative_to(ROOT / "modules").parts[0].removesuffix(".py")
    assert others <= {own}, f"{path} imports other modules at run time: {others - {own}}"


@pytest.mark.parametrize("part", WITHOUT_IO)
def test_protocol_code_does_no_io(part):
    for path in sources(f"opensips_py/{part}"):
        assert not {name.split(".")[0] for name in imports(path)} & IO, path


def test_only_the_loader_imports_modules():
    for path in sources("opensips_py"):
        if path.relative_to(ROOT / "opensips_py").parts[:2] == ("module", "loader.py"):
            continue
        assert not [n for n in imports(path) if n.startswith("opensips_py.modules")], path


def test_only_one_place_calls_the_thread_pool():
    users = [p for folder in ("opensips_py", "modules") for p in sources(folder)
             if "threadpool" in p.read_text() and p.suffix == ".py"]
    assert [p.name for p in users] in ([], ["blocking.py"])


def test_no_import_cycle():
    graph: dict[str, set[str]] = {}
    files = {str(p.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__"): p
             for p in [*sources("opensips_py"), *sources("modules")]}
    files = {name.replace("modules.", "opensips_py.modules.", 1) if name.startswith("modules") else name: p
             for name, p in files.items()}
    for name, path in files.items():
        if path.suffix == ".py":
            graph[name] = {n for n in imports(path) if n in files and n != name}
            # `from package import name` runs the package's __init__; a package may import its own parts
            graph[name] = {n for n in graph[name] if not name.startswith(n + ".")}
    state: dict[str, int] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        state[name] = 1
        for other in sorted(graph.get(name, ())):
            assert state.get(other) != 1, "import cycle: " + " -> ".join((*path, other))
            if other not in state:
                visit(other, (*path, other))
        state[name] = 2

    for name in graph:
        if name not in state:
            visit(name, (name,))


@pytest.mark.parametrize("name", ["opensips_py", "opensips_py.server.supervisor"])
def test_the_supervisor_loads_neither_gevent_nor_modules(name):
    code = (f"import sys, {name}; "
            "print([m for m in sys.modules if m == 'gevent' or m.startswith('opensips_py.modules')])")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
