"""Run programs from the script."""
from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Annotated, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import (
    Between,
    Kind,
    Module,
    Route,
    Run,
    Variable,
    VariableKind,
    Writable,
    WritableKind,
    param,
    script,
)
from opensips_py.module.kinds import Format, ScriptLanguage, VariableSpec
from opensips_py.modules.exec.environment import of_message
from opensips_py.modules.exec.program import Output, launch, output_of
from opensips_py.sip import BranchTarget, Request, Uri

ANYWHERE = (Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.LOCAL | Route.STARTUP | Route.TIMER | Route.EVENT)
MESSAGES = ANYWHERE & ~Route.STARTUP
Avp = Annotated[Variable, VariableKind(("avp",))]
OneAvp = Annotated[Writable, WritableKind(("avp",))]
SHELL_VARIABLE = re.compile(r"\$\$(\w+)")


@dataclass(frozen=True)
class Command(Kind):
    """A command of 2.1: pseudo-variables in it are replaced, ``$$NAME`` is one of the shell's."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> Format:
        """The command as a text with pseudo-variables."""
        text = language.format(SHELL_VARIABLE.sub("\0\\1\0", value))

        def command(run: Run) -> str | None:
            return re.sub("\0(\\w+)\0", r"$\1", text(run) or "")
        return command


@dataclass(frozen=True)
class AvpNames(Kind):
    """A list of AVPs to fill, ``$avp(a) $avp(b)`` or with commas between them."""

    name = "string"
    script = True
    literal = True

    def compile(self, value: str, language: ScriptLanguage) -> list[VariableSpec]:
        """The AVPs."""
        found = [language.variable(text) for text in re.split(r"[\s,;]+", value.strip()) if text]
        for each in found:
            if each.type != "avp" or each.write is None:
                raise ValueError(f"{each.text} is no AVP")
        return found


class Exec(Module, name="exec"):
    """Run programs by /bin/sh. The run that waits for a program waits alone: no other call does.

    With setvars, a program finds what there is to know of the message in its environment: SIP_HF_NAME for each header,
    SIP_TID and SIP_DID for its transaction and dialog, SIP_SRCIP, SIP_ORURI, SIP_RURI, SIP_OUSER and SIP_USER."""

    setvars: bool = param(0, "Whether programs find the message in their environment.")
    time_to_kill: Annotated[int, Between(0, 86400)] = param(
        0, "Seconds after which a program is ended, with all that it has started; 0: never.")

    @script(ANYWHERE, waits=True)
    def exec(self, run: Run, command: str, stdin: str = "", stdout: Writable | None = None,
             stderr: Writable | None = None, envavp: Avp | None = None) -> bool:
        """Run *command* with *stdin* as its input, and wait until its output is complete: that is assigned to *stdout*,
        and its errors to *stderr*; by async() and launch(), each line by itself. Without these two it is only started.
        The values of *envavp* are OSIPS_EXEC_0, OSIPS_EXEC_1 ... in its environment. False where it cannot run, or took
        too long."""
        environment = self.environment(run)
        if envavp is not None:
            values = run.avps.get(envavp.spec.name or "", [])
            environment.update({f"OSIPS_EXEC_{number}": str(value) for number, value in enumerate(values)})
        if stdout is None and stderr is None:
            return self.start_only(command, stdin, environment)
        output = self.run(command, stdin, environment, stderr is not None)
        if output is None:
            return False
        for variable, text in ((stdout, output.out), (stderr, output.errors)):
            if variable is not None and text:
                for each in text.splitlines() if run.beside else (text,):
                    variable.set(each)
        return True

    @script(MESSAGES, waits=True, dialect="2.1")
    def exec_msg(self, run: Run, command: Annotated[Format, Command()]) -> bool:
        """Run *command* with the message as its input. Its output is of no interest; true where it ends with 0."""
        data = run.message.data if run.message is not None else b""
        output = self.run(command(run) or "", data, self.environment(run))
        return output is not None and output.status == 0

    @script(Route.REQUEST | Route.FAILURE, waits=True, dialect="2.1")
    def exec_dset(self, run: Run, command: Annotated[Format, Command()]) -> bool:
        """Run *command* with the Request-URI behind it; the request goes to the URIs that it prints, one a line."""
        request: Request = run.request
        uri = request.uri.replace("'", "'\\''")
        output = self.run(f"{command(run)} '{uri}'", b"", self.environment(run))
        if output is None or output.status:
            return False
        uris = [line.strip() for line in output.out.splitlines() if line.strip()]
        try:
            for each in uris:
                Uri.parse(each)
        except MalformedMessage as error:
            self.log.error("exec_dset: the program printed no URI: %s", error)
            return False
        if not uris:
            return False
        request.uri = uris[0]
        request.branches = [*(request.branches or ()), *(BranchTarget(each) for each in uris[1:])]
        return True

    @script(ANYWHERE, waits=True, dialect="2.1")
    def exec_avp(self, run: Run, command: Annotated[Format, Command()],
                 avplist: Annotated[list[VariableSpec], AvpNames()] | None = None) -> bool:
        """Run *command*; each line that it prints goes to the AVP of *avplist* at its place, those beyond the list to
        $avp(1), $avp(2) ... by the number of the line."""
        output = self.run(command(run) or "", b"", self.environment(run))
        if output is None or output.status:
            return False
        for number, line in enumerate(output.out.splitlines()):
            if avplist is not None and number < len(avplist):
                avplist[number].write(run, line)  # type: ignore[misc]
            else:
                run.avps.setdefault(str(number + 1), []).insert(0, line)
        return True

    @script(ANYWHERE, dialect="2.1")
    def exec_getenv(self, run: Run, environment_variable: str, avp: OneAvp | None = None) -> bool:
        """Put an environment variable of the server into *avp*, or into $avp(1); false where there is none."""
        value = os.environ.get(environment_variable.strip("'"))
        if value is None:
            return False
        if avp is not None:
            avp.set(value)
        else:
            run.avps.setdefault("1", []).insert(0, value)
        return True

    def environment(self, run: Run) -> dict[str, str]:
        """The environment of a program: ours, and with setvars the message."""
        message: Any = run.message
        return {**os.environ, **(of_message(run, message) if self.setvars and message is not None else {})}

    def run(self, command: str, stdin: str | bytes, environment: dict[str, str],
            errors: bool = False) -> Output | None:
        """Run *command* to the end of its output; None where it could not run, or was ended."""
        try:
            return output_of(command, encoded(stdin), environment, self.time_to_kill, errors)
        except TimeoutError:
            self.log.error("exec: %s took longer than %d s and has been ended", command.split(" ")[0],
                           self.time_to_kill)
        except (OSError, ValueError) as error:
            self.log.error("exec: %s cannot run: %s", command.split(" ")[0], error)
        return None

    def start_only(self, command: str, stdin: str, environment: dict[str, str]) -> bool:
        """Start *command* and leave it alone."""
        try:
            launch(command, encoded(stdin), environment, self.time_to_kill)
        except (OSError, ValueError) as error:
            self.log.error("exec: %s cannot run: %s", command.split(" ")[0], error)
            return False
        return True


def encoded(text: str | bytes) -> bytes:
    """What a program reads."""
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
