"""The tool's sub-command that gives a running server its configuration anew."""
from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from opensips_py.asking import Config, Fifo, asked, fail, pipe_to
from opensips_py.errors import MIError
from opensips_py.mi import client


def reload(dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
           routes: Annotated[bool, typer.Option("--routes", help="Refuse if more than routes is different.")] = False,
           as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
           config: Config = None, fifo: Fifo = None) -> None:
    """Have a running server read its configuration again, and swap to it as a whole or not at all. Calls go on."""
    pipe = pipe_to(fifo, config)
    if dry_run:
        report(asked(pipe, "reload", {"dry_run": 1, "routes": int(routes)}), as_json=as_json)
        return
    try:
        answer = client.ask(pipe.path, "reload_routes" if routes else "reload", None, pipe.reply_dir)
    except MIError as error:
        print("refused; the server goes on with what it has:")
        fail(error.message)
    if as_json:
        print(json.dumps(answer, indent=1, ensure_ascii=False))
        return
    changes = answer["changes"] if isinstance(answer, dict) else []
    for each in changes:
        print(each)
    print("reloaded" if changes or routes else "reloaded; nothing is different")


def report(answer: dict[str, Any], *, as_json: bool) -> None:
    """What a reload would do; ends with 1 where it would be refused."""
    if as_json:
        print(json.dumps(answer, indent=1, ensure_ascii=False))
    else:
        for each in answer["changes"]:
            print(each)
        for each in answer["refused"]:
            print(f"refused: {each}")
        if not answer["changes"] and not answer["refused"]:
            print("nothing is different")
    if answer["refused"]:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Make this a sub-command of the tool."""
    app.command("reload")(reload)
