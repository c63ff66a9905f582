"""The tool: opensips-py SUB-COMMAND. A first argument that starts with a dash starts the server instead."""
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from opensips_py import __version__, describe
from opensips_py.errors import ConfigError, MIError
from opensips_py.mi import client
from opensips_py.module import loader
from opensips_py.module.base import Module
from opensips_py.module.declare import Dialect
from opensips_py.server import daemon

FIFOS = (Path("/run/opensips/opensips_fifo"), Path("/tmp/opensips_fifo"))

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                  help="Look after an OpenSIPS configuration and a running server. "
                       "`opensips-py -f opensips.cfg` starts the server; `opensips-py -h` lists its letters.")


@app.command()
def check(config: Annotated[Path | None, typer.Argument(help="The configuration, usually opensips.cfg.")] = None,
          file: Annotated[Path | None, typer.Option("-f", help="The same, as the server takes it.")] = None) -> None:
    """Check a configuration: ends with 0, or lists everything that is wrong with it."""
    chosen = config or file
    if chosen is None:
        raise typer.BadParameter("name a configuration: opensips-py check opensips.cfg")
    raise typer.Exit(daemon.main(["-C", "-f", str(chosen)]))


@app.command()
def modules(name: Annotated[str | None, typer.Argument(help="One module; without it, the list of all.")] = None,
            as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
            markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference chapter.")] = False,
            dialect: Annotated[str, typer.Option(help="Names and defaults of 2.1 or 4.0.")] = "4.0",
            mpath: Annotated[list[str] | None, typer.Option(help="A further folder of modules.")] = None) -> None:
    """List the modules, or show what one of them offers to scripts."""
    if dialect not in ("2.1", "4.0"):
        raise typer.BadParameter("the dialect is 2.1 or 4.0")
    spoken: Dialect = "2.1" if dialect == "2.1" else "4.0"
    folders = mpath or []
    classes = found([name] if name else loader.available(folders), folders)
    if as_json:
        data: Any = describe.data_of(classes[0], spoken) if name else describe.all_of(classes, spoken)
        print(json.dumps(data, indent=1, sort_keys=True))
    elif name:
        print((describe.markdown_of if markdown else describe.text_of)(classes[0], spoken), end="")
    else:
        width = max(len(each.declarations.name) for each in classes)
        for each in classes:
            print(f"{each.declarations.name:<{width}}  {each.declarations.overview.partition(chr(10))[0]}")


def found(names: list[str], folders: list[str]) -> list[type[Module]]:
    """The module classes of these names; ends the program where there is none."""
    try:
        return [loader.find(each, folders) for each in names]
    except ConfigError as error:
        fail(error.message)


@app.command(context_settings={"ignore_unknown_options": True})
def mi(command: Annotated[str, typer.Argument(help="A management command, such as uptime or ul_dump.")],
       arguments: Annotated[list[str] | None, typer.Argument(help="Values in order, or all as name=value.")] = None,
       fifo: Annotated[Path | None, typer.Option(help="The server's pipe, as mi_fifo has it.")] = None,
       reply_dir: Annotated[str, typer.Option(help="Where the server answers, as mi_fifo has it.")] = "/tmp") -> None:
    """Ask a running server over its pipe and print the answer."""
    pipe = fifo or next((each for each in FIFOS if each.exists()), FIFOS[-1])
    try:
        answer = client.ask(str(pipe), command, parameters(arguments or []), reply_dir)
    except MIError as error:
        fail(f"{error.code} {error.message}")
    print(answer if isinstance(answer, str) else json.dumps(answer, indent=1, ensure_ascii=False))


def parameters(arguments: list[str]) -> list[Any] | dict[str, Any]:
    """Arguments by name where each is name=value, else by position."""
    pairs = [each.partition("=") for each in arguments]
    if arguments and all(sign and name.isidentifier() for name, sign, _ in pairs):
        return {name: value for name, _, value in pairs}
    return list(arguments)


def fail(message: str) -> NoReturn:
    """End with *message* and status 1."""
    print(f"opensips-py: {message}", file=sys.stderr)
    raise typer.Exit(1)


@app.command()
def version() -> None:
    """Print the version."""
    print(f"opensips-py {__version__}")
