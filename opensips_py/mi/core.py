"""The management commands of the core."""
from __future__ import annotations

import os
import platform
import time
from typing import Annotated, Any

from opensips_py import __version__
from opensips_py.errors import MIError
from opensips_py.mi import arguments
from opensips_py.mi.consumers import LogCommands
from opensips_py.mi.events import EventCommands
from opensips_py.mi.statistics import StatisticCommands
from opensips_py.mi.trace import TraceCommands
from opensips_py.mi.tree import Node, listed, rendered
from opensips_py.module import Between, Module, mi

Level = Annotated[int, Between(-3, 4)]
Switch = Annotated[int, Between(0, 1)]

NOT_FOUND, REFUSED = 404, 500
UNKNOWN = "unknown MI command"
RELOADED = 85.0  # seconds for a reload: a check and both phases, each of which has an end of its own before
DATE = "%a %b %e %H:%M:%S %Y"


def process_nodes(data: Any) -> list[Node]:
    """2.1's lines of `ps`."""
    return [listed("Process", None, row) for row in data["Processes"]]


def name_nodes(data: Any) -> list[Node]:
    """Names alone, one a line, or several that belong together."""
    return [listed("", name if isinstance(name, str) else " ".join(name)) for name in data]


class CoreCommands(StatisticCommands, EventCommands, LogCommands, TraceCommands, Module, name="mi_core",
                   provides=("management",)):
    """The server itself: its processes, its log, its configuration."""

    @mi("arg", v40="core:arg")
    @rendered(name_nodes)
    def arg(self) -> list[str]:
        """The command line the server was started with."""
        return list(self.services.boot.arguments)

    @mi("help", v40="core:help")
    def help(self, mi_cmd: str | None = None) -> dict[str, str] | str:
        """How a command is called, what it does, and which module has it."""
        if mi_cmd is None:
            known = "'help mi_cmd' says how a command is called, 'which' names them all"
            return {"Usage": known} if self.dialect == "2.1" else f"Usage: {known}"
        bound = self.services.generation.registry.commands.get(mi_cmd)
        if bound is None:
            raise MIError(NOT_FOUND, UNKNOWN)
        return {"Help": bound.declaration.help, "Usage": arguments.usage(bound.declaration),
                "Exported by": bound.module.name}

    @mi("kill", v40="core:kill")
    def kill(self) -> None:
        """Stop the server."""
        self.services.control.ask("stop")

    @mi("ps", v40="core:ps")
    @rendered(process_nodes)
    def ps(self) -> dict[str, Any]:
        """The processes of the server."""
        rows = self.services.control.ask("ps")["processes"]
        return {"Processes": [{name: row[name] for name in ("ID", "PID", "Type")} for row in rows]}

    @mi("pwd", v40="core:pwd")
    def pwd(self) -> dict[str, str]:
        """The working directory of the server."""
        return {"WD": os.getcwd()}

    @mi("uptime", v40="core:uptime")
    def uptime(self) -> dict[str, str]:
        """When the server was started, and how long ago that is."""
        began = self.services.boot.started
        return {"Now": time.strftime(DATE), "Up since": time.strftime(DATE, time.localtime(began)),
                "Up time": f"{int(time.time() - began)} [sec]"}

    @mi("version", v40="core:version")
    def version(self, revision: str | None = None) -> dict[str, str]:
        """The version of the server; with *revision*, of its Python too."""
        server = {"Server": f"OpenSIPS-py ({__version__} ({platform.machine()}/{platform.system().lower()}))"}
        return server if revision is None else {**server, "Python": platform.python_version()}

    @mi("which", v40="core:which")
    @rendered(name_nodes)
    def which(self, command: str | None = None) -> list[Any]:
        """All management commands; those of one group (``core:``); or the sets of parameters that *command* accepts."""
        names = self.registry.which()
        if command is None:
            return names
        bound = self.services.generation.registry.commands.get(command)
        if bound is not None:
            return arguments.recipes(bound.declaration)
        group = [name for name in names if name.startswith(f"{command.rstrip(':')}:")]
        if not group:
            raise MIError(NOT_FOUND, UNKNOWN)
        return group

    @mi(None, v40="core:log_level")
    def log_level(self, level: Level | None = None, pid: int | None = None) -> dict[str, Any]:
        """The log level of all processes or of the one with *pid*; with *level*, sets it."""
        rows = self.levels("Log level", level, pid)
        if level is None:
            return {"Processes": rows}
        return {"New global log level": level} if pid is None else {"Log level": rows[0]["Log level"]}

    @mi("debug")
    def debug(self, level: Level | None = None, pid: int | None = None) -> dict[str, Any]:
        """The log level of all processes; with *level*, sets it, in the one with *pid* alone if that is given."""
        rows = self.levels("Debug", level, pid)
        if level is None:
            return {"Processes": rows}
        return {"New global debug" if pid is None else "New debug": rows[0]["Debug"]}

    def levels(self, name: str, level: int | None, pid: int | None) -> list[dict[str, Any]]:
        """A row per process (or the one with *pid*) with its log level as *name*, set before where one is given."""
        rows = [row for row in self.processes() if pid in (None, row["PID"])]
        if not rows:
            raise MIError(NOT_FOUND, "Bad PID")
        levels = self.everywhere("log_level", level, peers=[row["Index"] for row in rows])
        return [{"PID": row["PID"], name: levels[row["Index"]], "Type": row["Type"]} for row in rows]

    @mi(None, v40="core:xlog_level")
    def xlog_level(self, level: Level | None = None) -> dict[str, int]:
        """Up to which level xlog() prints; with *level*, sets it."""
        levels = self.everywhere("xlog_level", level)
        return {"xLog Level" if level is None else "New xLog level": levels[0]}

    @mi("reload_routes", v40="core:reload_routes")
    def reload_routes(self) -> None:
        """Read the configuration again and swap all processes to its routes, or none; refused where more than routes
        is different."""
        self.reloaded(routes_only=True)

    @mi("reload", v40="core:reload")
    def reload(self, dry_run: Switch = 0, routes: Switch = 0) -> dict[str, Any]:
        """Read the configuration again and swap all processes to it as a whole, or none: routes, parameters, modules,
        listeners. Tells what is different; with *dry_run* 1, does nothing else, and tells what would be refused. With
        *routes* 1 it is refused where more than routes is different."""
        wish = {"routes_only": True} if routes else {}
        if dry_run:
            answer = self.services.control.ask("reload", deadline=RELOADED, dry_run=True, **wish)
            return {"changes": answer.get("changes", []), "refused": answer["reasons"]}
        return {"changes": self.reloaded(**wish)["changes"]}

    def reloaded(self, **wish: bool) -> dict[str, Any]:
        """The outcome of a reload; MIError where it is refused."""
        answer: dict[str, Any] = self.services.control.ask("reload", deadline=RELOADED, **wish)
        if not answer["ok"]:
            raise MIError(REFUSED, "\n".join(answer["reasons"]))
        return answer

    @mi("rolling_restart", v40="core:rolling_restart")
    def rolling_restart(self) -> None:
        """Restart one process after the other, so that new code comes in while calls go on."""
        self.services.control.ask("rolling_restart")

    def processes(self) -> list[dict[str, Any]]:
        """The processes that answer questions: workers and management."""
        return [row for row in self.services.control.ask("ps")["processes"] if "Index" in row]

    def everywhere(self, operation: str, *values: Any, peers: list[int] | None = None) -> dict[int, Any]:
        """Call *operation* in all processes, or in *peers*; one that does not answer is an error."""
        wanted = [*range(self.services.workers), self.services.index] if peers is None else peers
        others = [index for index in wanted if index != self.services.index]
        answers: dict[int, Any] = self.services.links.call_each(others, operation, *values)
        for answer in answers.values():
            if isinstance(answer, MIError):
                raise answer
            if isinstance(answer, Exception):
                raise MIError(REFUSED, str(answer))
        if self.services.index in wanted:
            answers[self.services.index] = self.services.links.call(self.services.index, operation, *values)
        return answers
