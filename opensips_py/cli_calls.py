"""The tool's sub-commands for single calls of a running server: trace, explain."""
from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer
from rich.console import Console

from opensips_py.asking import Config, Fifo, asked, fail, pipe_to
from opensips_py.errors import MIError
from opensips_py.explain import Account, heading
from opensips_py.mi import client
from opensips_py.server.running import Pipe

NOT_FOUND = 404
PAUSE = 0.5  # seconds between two looks of --follow

trace = typer.Typer(no_args_is_help=True, help="Keep accounts of calls as they pass, for `opensips-py explain`.")

CallId = Annotated[str, typer.Option("--call-id", help="The call with this Call-ID.")]
User = Annotated[str, typer.Option("--user", help="Calls with this user in From, To or Request-URI.")]
Ip = Annotated[str, typer.Option("--ip", help="Messages from this address or network.")]
Method = Annotated[str, typer.Option("--method", help="Requests of this method.")]
Seconds = Annotated[int, typer.Option("--for", metavar="SECONDS", help="When to end by itself; 0: never.")]
Calls = Annotated[int, typer.Option("--max", metavar="CALLS", help="How many calls to pick in each worker.")]
Level = Annotated[int | None, typer.Option("--level", min=-3, max=4, help="Log these calls up to this level, too.")]


def selection(call_id: str, user: str, ip: str, method: str, seconds: int, calls: int,
              level: int | None) -> dict[str, Any]:
    """What is asked of the server."""
    given = {"call_id": call_id, "user": user, "ip": ip, "method": method, "seconds": seconds, "calls": calls,
             "level": level}
    if not (call_id or user or ip or method):
        fail("say which calls: --call-id, --user, --ip or --method")
    return {name: value for name, value in given.items() if value not in ("", None)}


@trace.command("on")
def trace_on(call_id: CallId = "", user: User = "", ip: Ip = "", method: Method = "", seconds: Seconds = 600,
             calls: Calls = 100, level: Level = None, config: Config = None, fifo: Fifo = None) -> None:
    """Keep an account of each call whose first message fits all that is given, and of all its later messages."""
    asked_for = selection(call_id, user, ip, method, seconds, calls, level)
    name = asked(pipe_to(fifo, config), "trace_on", asked_for)["name"]
    ending = f"for {seconds} s" if seconds else "until `opensips-py trace off`"
    print(f"selector {name} traces calls {ending}; `opensips-py trace status` lists them")


@trace.command("log")
def trace_log(level: Annotated[int, typer.Option("--level", min=-3, max=4, help="The log level of these calls.")],
              call_id: CallId = "", user: User = "", ip: Ip = "", method: Method = "", seconds: Seconds = 600,
              calls: Calls = 100, config: Config = None, fifo: Fifo = None) -> None:
    """Log what is done for the calls that fit up to a level of their own, and keep no account."""
    asked_for = selection(call_id, user, ip, method, seconds, calls, level)
    name = asked(pipe_to(fifo, config), "trace_log", asked_for)["name"]
    print(f"selector {name} logs up to level {level}")


@trace.command("off")
def trace_off(name: Annotated[str | None, typer.Argument(help="One selector; without it, all.")] = None,
              config: Config = None, fifo: Fifo = None) -> None:
    """Trace no longer; the accounts that there are stay until others need the room."""
    ended = asked(pipe_to(fifo, config), "trace_off", {"name": name} if name else None)["ended"]
    print(f"ended: {', '.join(ended) or 'nothing was traced'}")


@trace.command("status")
def trace_status(as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
                 config: Config = None, fifo: Fifo = None) -> None:
    """Show what is traced, and the calls that can be explained."""
    found = asked(pipe_to(fifo, config), "trace_status")
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for each in found["selectors"]:
        print(f"selector {each['name']}: {described(each)}")
    if not found["selectors"]:
        print("nothing is traced")
    for each in found["calls"]:
        when = time.strftime("%H:%M:%S", time.localtime(each["began"]))
        print(f"{when} {each['call_id']}  worker {each['worker']}, {each['events']} events: {each['first']}")


def described(selector: dict[str, Any]) -> str:
    """A selector in words."""
    wanted = [f"{name} {selector[name]}" for name in ("call_id", "user", "ip", "method") if name in selector]
    level = [f"logged up to level {selector['level']}"] if "level" in selector else []
    left = [f"{selector['seconds_left']} s left"] if "seconds_left" in selector else []
    kind = [] if selector["records"] else ["log only"]
    return ", ".join([*wanted, *level, *kind, f"{selector['picked']} calls so far", *left])


def explain(call_id: Annotated[str, typer.Argument(help="The Call-ID of a call that was traced.")],
            as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
            follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C, with what happens.")] = False,
            whole: Annotated[bool, typer.Option("--messages", help="Show messages with all their lines.")] = False,
            config: Config = None, fifo: Fifo = None) -> None:
    """Tell what became of a call: each line that ran, with values and results, each message with what we changed."""
    pipe = pipe_to(fifo, config)
    if follow:
        follow_call(pipe, call_id, as_json=as_json, whole=whole)
        return
    found = asked(pipe, "explain", {"call_id": call_id})
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(heading(found))
    for text in Account(found["lines"], whole=whole).texts(found["events"]):
        console.print(text)


def follow_call(pipe: Pipe, call_id: str, *, as_json: bool, whole: bool) -> None:
    """Print what is new of a call, again and again."""
    console = Console(soft_wrap=True, highlight=False)
    account = Account({}, whole=whole)
    printed = 0
    try:
        while True:
            found = account_of(pipe, call_id)
            events = found["events"][printed:] if found is not None else []
            if found is not None and not printed and not as_json:
                console.print(heading(found))
            account.lines = found["lines"] if found is not None else {}
            for each in events if as_json else ():
                print(json.dumps(each, ensure_ascii=False), flush=True)
            for text in () if as_json else account.texts(events):
                console.print(text)
            printed += len(events)
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        return


def account_of(pipe: Pipe, call_id: str) -> dict[str, Any] | None:
    """The account of a call; None where there is none yet."""
    try:
        found: dict[str, Any] = client.ask(pipe.path, "explain", {"call_id": call_id}, pipe.reply_dir)
    except MIError as error:
        if error.code != NOT_FOUND:
            fail(f"{error.code} {error.message}")
        return None
    return found


def add_to(app: typer.Typer) -> None:
    """Make these sub-commands of the tool."""
    app.add_typer(trace, name="trace")
    app.command("explain")(explain)
