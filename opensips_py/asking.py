"""How the tool reaches a running server, and how it says that something is wrong."""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from opensips_py.errors import ConfigError, MIError
from opensips_py.mi import client
from opensips_py.server import running
from opensips_py.server.running import Pipe

REPLIES = "/tmp"
FIFOS = (Path("/run/opensips/opensips_fifo"), Path("/tmp/opensips_fifo"))

Config = Annotated[Path | None, typer.Option("-f", "--config", help="The configuration, usually opensips.cfg.")]
Fifo = Annotated[Path | None, typer.Option(help="The server's pipe, as mi_fifo has it.")]


def pipe_to(fifo: Path | None, config: Path | None) -> Pipe:
    """The pipe that is named, that of the configuration named, or that of the server that runs here."""
    if fifo is not None:
        return Pipe(str(fifo), REPLIES)
    if config is not None:
        return running.pipe_of(str(config)) or fail(f'{config} loads no mi_fifo, so that its server has no pipe: '
                                                    'add loadmodule "mi_fifo.so"')
    try:
        return running.find_pipe()
    except ConfigError as error:
        usual = next((each for each in FIFOS if each.exists()), None)
        return fail(error.message) if usual is None else Pipe(str(usual), REPLIES)


def asked(pipe: Pipe, command: str, given: list[Any] | dict[str, Any] | None = None, reply_dir: str = "") -> Any:
    """The answer of the server to a management command; ends the program where it refuses."""
    try:
        return client.ask(pipe.path, command, given, reply_dir or pipe.reply_dir)
    except MIError as error:
        fail(f"{error.code} {error.message}")
    except OSError as error:
        fail(f"{reply_dir or pipe.reply_dir}: {error.strerror}")


def fail(message: str) -> NoReturn:
    """End with *message* and status 1."""
    print(f"opensips-py: {message}", file=sys.stderr)
    raise typer.Exit(1)
