"""The servers that run on this machine, and the pipes on which they take management commands."""
from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opensips_py.errors import ConfigError
from opensips_py.module import loader
from opensips_py.module.declare import chosen
from opensips_py.script import dialect, parser, tree
from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.preprocessor import Preprocessor
from opensips_py.server import options

PROC = Path("/proc")
MODULE = "mi_fifo"


@dataclass(frozen=True, slots=True)
class Pipe:
    """Where a server takes requests, and the folder in which it answers."""

    path: str
    reply_dir: str


def pipe_of(config: str) -> Pipe | None:
    """The pipe that the configuration *config* makes; None where it loads no mi_fifo. Errors in it do not matter."""
    diagnostics = Diagnostics()
    script = parser.parse(Preprocessor(diagnostics).tokens(config), diagnostics)
    if not any(loader.module_name(each.name) == MODULE for each in script.of(tree.LoadModule)):
        return None
    spoken = dialect.infer(script, diagnostics)
    values = {each.name: chosen(each.default, spoken) for each in loader.find(MODULE).declarations.parameters}
    for each in script.of(tree.ModParam):
        if each.module.value == MODULE:
            values[each.parameter.value] = each.value.value
    return Pipe(str(values["fifo_name"]), str(values["reply_dir"]))


def configurations() -> Iterator[str]:
    """The configurations of the servers that run, as far as this user may see them."""
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                words = [os.fsdecode(each) for each in (entry / "cmdline").read_bytes().split(b"\0")]
                arguments = server_arguments(words)
                if arguments is not None:
                    yield os.path.join(os.readlink(entry / "cwd"), config_of(arguments))


def server_arguments(words: list[str]) -> list[str] | None:
    """What stands behind the program in the command line of a server; None where it is another process."""
    for index, word in enumerate(words[:3]):
        started = os.path.basename(word) == "opensips-py" or (word == "opensips_py" and words[index - 1] == "-m")
        if started and words[index + 1:index + 2] and words[index + 1].startswith("-"):
            return [each for each in words[index + 1:] if each]
    return None


def config_of(arguments: list[str]) -> str:
    """The configuration that a server was started with; ValueError where it only checks one."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            found, version = options.parse(arguments)
    except SystemExit:
        raise ValueError("these are no options of the server") from None
    if version or found.check:
        raise ValueError("it does not run")
    return found.config


def find_pipe() -> Pipe:
    """The pipe of the server that runs here; ConfigError where there is none, or more than one."""
    found = {pipe.path: pipe for config in configurations() if (pipe := pipe_of(config)) and os.path.exists(pipe.path)}
    if len(found) > 1:
        raise ConfigError(f"several servers run, with the pipes {', '.join(sorted(found))}: name one with --fifo")
    if not found:
        raise ConfigError("no server with a pipe runs here: name its configuration with -f, or its pipe with --fifo")
    return next(iter(found.values()))
