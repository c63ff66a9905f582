"""The wheel and the source archive: built, installed into a fresh environment, and run.

Compiling takes minutes, so the wheel is packed from the compiled files of this checkout.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest
from Cython.Utils import GENERATED_BY_MARKER

from opensips_py.module import loader
from tests.live import ROOT, Server, ask

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
BUILD = f"build/lib.{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
QUESTION = (b"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport\r\nCall-ID: 1\r\n"
            b"From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\r\n")
PATTERNS = ("*.py", "*.pyi", "*.pyx", "*.pxd", "*.json", "py.typed")
CFG = """
log_level=2
udp_workers=1
socket=udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
route {
	if ($rm == "REGISTER")
		save("location");
	else
		sl_send_reply(200, "From A Wheel");
	exit;
}
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout in which all is compiled that is compiled here, and nothing else is to be."""
    copy = tmp_path_factory.mktemp("checkout") / "opensips-py"
    ignored = shutil.ignore_patterns("__pycache__", "build", "dist", "tests", "*.egg-info", ".*", "*.c")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignored)
    package = copy / "opensips_py"
    for source in (path for folder in (package, package / "modules") for path in folder.rglob("*.p[yx][xd]")):
        stem = source.with_suffix("")
        compiled = stem.with_name(stem.name + SUFFIX)
        if compiled.exists():
            stem.with_suffix(".c").write_text(GENERATED_BY_MARKER)  # newer than its source, older than what it became
            built = copy / BUILD / compiled.relative_to(copy)
            built.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(compiled, built)
        elif source.suffix == ".pxd" and stem.with_suffix(".py").exists():
            source.unlink()  # nobody has run `make build` since it came
    return copy


def files(checkout, *patterns):
    """The files of the program that match; its modules lie behind a link."""
    return {path.relative_to(checkout) for pattern in patterns for folder in ("opensips_py", "opensips_py/modules")
            for path in (checkout / folder).rglob(pattern)}


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory):
    target = tmp_path_factory.mktemp("dist")
    pip("wheel", "--no-build-isolation", "-w", target, checkout)
    [path] = target.iterdir()
    return path


@pytest.fixture(scope="module")
def fresh(wheel, tmp_path_factory):
    """An environment with the wheel in it; what the wheel depends on is seen from here."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip("--python", python, "install", "--no-index", "--no-compile", wheel)
    packages = pathlib.Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its own .pth files do not count
    return folder


def pip(*arguments):
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments, "--no-deps"],
                   check=True, cwd="/")


def run(fresh, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([fresh / "bin" / arguments[0], *arguments[1:]], capture_output=True, text=True, cwd=fresh,
                          env=environment, check=True).stdout


def test_the_wheel_holds_the_program_and_no_sources_of_compiled_files(checkout, wheel):
    names = {pathlib.Path(name) for name in zipfile.ZipFile(wheel).namelist() if name.startswith("opensips_py/")}
    assert names == {path for path in files(checkout, *PATTERNS, f"*{SUFFIX}") if path.suffix not in {".pyx", ".pxd"}}


def test_modules_are_found_where_the_wheel_is_installed(fresh):
    assert run(fresh, "python", "-c", "import opensips_py; print(opensips_py.__file__)").startswith(str(fresh))
    listed = [line.split()[0] for line in run(fresh, "opensips-py", "modules").splitlines()]
    assert listed == loader.available()


def test_a_configuration_is_checked(fresh):
    path = fresh / "opensips.cfg"
    path.write_text(CFG.replace("@PORT@", "5060"))
    assert run(fresh, "opensips-py", "check", "--no-notes", "opensips.cfg") == (
        "opensips.cfg: the configuration is right (dialect 4.0)\nlistening on udp:127.0.0.1:5060\n")


def test_the_server_of_the_wheel_takes_calls(fresh):
    server = Server(CFG, env={"PYTHONPATH": ""})
    server.command[:3] = [str(fresh / "bin" / "opensips-py")]  # not -m: that looks into the working directory first
    with server:
        assert ask(server.port, QUESTION).startswith(b"SIP/2.0 200 From A Wheel\r\n")
        maps = [pathlib.Path(f"/proc/{pid}/maps").read_text() for pid in server.workers()]
        assert maps and all(str(fresh) in each and f"{ROOT}/opensips_py" not in each for each in maps)


def test_the_source_archive_holds_what_a_build_needs(checkout, tmp_path):
    code = f"from setuptools import build_meta; print(build_meta.build_sdist({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, check=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        members = {pathlib.Path(each.name).relative_to(pathlib.Path(each.name).parts[0]): each for each in archive}
    held = {path for path, each in members.items() if each.isfile()}
    assert held >= files(checkout, *PATTERNS) | {pathlib.Path(name) for name in (
        "setup.py", "setup.cfg", "pyproject.toml", "Makefile", "README.md", "LICENSE", "CHANGELOG.md",
        "packaging/setup-venv.sh", "packaging/opensips-py.service", "packaging/Dockerfile", "cfg/residential.cfg")}
    assert not [path for path in held if path.suffix in {".c", ".so", ".pyc"}]
    assert members[pathlib.Path("opensips_py/modules")].isdir()  # the link has become the folder


def test_an_archive_that_lost_the_link_to_modules_is_refused(tmp_path):
    shutil.copy(ROOT / "setup.py", tmp_path)
    (tmp_path / "opensips_py").mkdir()
    (tmp_path / "opensips_py" / "modules").write_text("../modules")  # what unpacking a zip archive leaves
    done = subprocess.run([sys.executable, "setup.py", "--version"], cwd=tmp_path, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("opensips_py/modules must be a link to ../modules")
    assert "ln -sfn ../modules opensips_py/modules" in done.stderr
