"""The tool: opensips-py SUB-COMMAND. A first argument that starts with a dash starts the server instead."""
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from opensips_py import __version__, cli_calls, cli_db, cli_reload, describe, reference
from opensips_py.asking import Config, Fifo, asked, fail, pipe_to
from opensips_py.errors import ConfigError
from opensips_py.module import loader
from opensips_py.module.base import Module
from opensips_py.module.declare import Dialect
from opensips_py.script import converting
from opensips_py.script.analysis import fixes
from opensips_py.server import verdict

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                  help="Look after an OpenSIPS configuration and a running server. "
                       "`opensips-py -f opensips.cfg` starts the server; `opensips-py -h` lists its letters.")
cli_calls.add_to(app)
cli_reload.add_to(app)
cli_db.add_to(app)


@app.command()
def check(config: Annotated[Path | None, typer.Argument(help="The configuration, usually opensips.cfg.")] = None,
          file: Annotated[Path | None, typer.Option("-f", help="The same, as the server takes it.")] = None,
          notes: Annotated[bool, typer.Option("--notes/--no-notes", help="List what is worth knowing, too, such as "
                                              "each place where the dialect decides.")] = True,
          as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
          fix: Annotated[bool, typer.Option("--fix", help="Write fixes that leave no doubt into the files.")] = False,
          convert: Annotated[str, typer.Option(metavar="4.0", help="Rewrite a script of OpenSIPS 2.1 in the dialect of "
                                               "4.0; the old text stays beside it as FILE.orig.")] = "",
          dry_run: Annotated[bool, typer.Option("--dry-run", help="With --fix or --convert: print the changes, and "
                                                "write nothing.")] = False,
          dump: Annotated[bool,
          typer.Option("--dump", help="Print the Python that the routes become.")] = False) -> None:
    """Check a configuration: ends with 0, or lists everything that is wrong with it."""
    chosen = config or file
    if chosen is None:
        raise typer.BadParameter("name a configuration: opensips-py check opensips.cfg")
    if convert and convert != "4.0":
        raise typer.BadParameter("scripts are converted to the dialect of 4.0 alone: --convert 4.0")
    if fix or convert:
        rewrite(str(chosen), convert=bool(convert), dry_run=dry_run)
    if dry_run:
        return
    found = verdict.verdict(str(chosen), notes=notes)
    if as_json:
        print(json.dumps(found.as_data(notes=notes), indent=1))
    else:
        report(found, notes=notes)
    if dump:
        print(found.configuration.routes.dump())
    raise typer.Exit(0 if found.is_right else 1)


def rewrite(path: str, *, convert: bool, dry_run: bool) -> None:
    """Fix or convert a configuration and the files that it includes."""
    before = verdict.verdict(path, notes=False).texts
    after = converting.converted(path, before) if convert else fixes.fixed(
        before, lambda texts: verdict.verdict(path, verdict.overlaid(texts), notes=False).configuration.diagnostics)
    if dry_run:
        print(fixes.diff(before, after), end="")
        return
    for name in fixes.changed(before, after):
        if convert:
            write_text(f"{name}.orig", before[name])
        write_text(name, after[name])
        print(f"{name}: rewritten" + f", {name}.orig is the old text" * convert)


def write_text(path: str, text: str) -> None:
    """Write a file as read_text() reads it: line ends and bytes that are no UTF-8 stay as they are."""
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)


def report(found: verdict.Verdict, *, notes: bool) -> None:
    """What was found, as text: findings to standard error, what the server would do to standard output."""
    if text := found.configuration.diagnostics.render(notes=notes and found.is_right):
        print(text, file=sys.stderr)
    if found.is_right:
        print(f"{found.path}: the configuration is right (dialect {found.description.dialect})")
        for each in found.description.listeners:
            print(f"listening on {each.protocol}:{each.host}:{each.port}")


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
       config: Config = None, fifo: Fifo = None,
       reply_dir: Annotated[str, typer.Option(help="Where the server answers, as mi_fifo has it.")] = "") -> None:
    """Ask a running server over its pipe and print the answer."""
    answer = asked(pipe_to(fifo, config), command, parameters(arguments or []), reply_dir)
    print(answer if isinstance(answer, str) else json.dumps(answer, indent=1, ensure_ascii=False))


def parameters(arguments: list[str]) -> list[Any] | dict[str, Any]:
    """Arguments by name where each is name=value, else by position."""
    pairs = [each.partition("=") for each in arguments]
    if arguments and all(sign and name.isidentifier() for name, sign, _ in pairs):
        return {name: value for name, _, value in pairs}
    return list(arguments)


@app.command()
def docs(folder: Annotated[Path, typer.Argument(help="Where to write the pages.")] = Path("docs/reference"),
         mpath: Annotated[list[str] | None, typer.Option(help="A further folder of modules.")] = None) -> None:
    """Write the reference of core and modules as Markdown, out of what they declare."""
    print(f"{len(reference.write(folder, mpath or []))} pages in {folder}")


@app.command()
def lsp() -> None:
    """Answer an editor: the Language Server Protocol over standard input and output."""
    try:
        from opensips_py.lsp import server
    except ImportError as error:
        fail(f'{error.name} is missing: pip install "opensips-py[lsp]"')
    server.made().start_io()


@app.command()
def version() -> None:
    """Print the version."""
    print(f"opensips-py {__version__}")
