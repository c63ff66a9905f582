"""The checking process: reads a configuration, and says what is wrong with it or how to start it."""
from __future__ import annotations

if __name__ == "__main__":
    from opensips_py.server import quick
    quick.begin()

import argparse
import dataclasses
import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from opensips_py.errors import ConfigError
from opensips_py.script.configuration import Configuration
from opensips_py.script.diagnostics import ERROR, NOWHERE, WARNING, Diagnostic, Diagnostics
from opensips_py.script.preprocessor import read_text
from opensips_py.script.ready import Codes
from opensips_py.server import changes, generation, listening, settings, sources
from opensips_py.server.description import Description
from opensips_py.server.sources import Recorder
from opensips_py.transport.bonds import BOND

SWALLOWING = ("E0102", "E0103", "E0118", "E0128")  # texts and comments without end, lines that could not be read
STAND_IN = "192.0.2.1"  # RFC 5737: of no machine
POLITE = 5  # by how much a check gives way to the calls of the server that runs


def protocols(configuration: Configuration) -> list[str]:
    """What the loaded modules speak, in the order of their loadmodule lines."""
    return [module.name.removeprefix("proto_") for module in configuration.registry.modules.values()
            if "transport" in module.declarations.provides]


def blame_sockets(configuration: Configuration, sockets: Iterable[Any]) -> bool:
    """Report those of *sockets* that nobody can listen on; whether there are any."""
    wrong = list(listening.wrong(sockets, configuration.globals, protocols(configuration)))
    absent = configuration.context.absent if configuration.context else None
    for socket, message, fix in wrong:  # of a module that cannot be loaded, its loadmodule line tells
        if absent is None or f"proto_{socket.protocol}" not in absent.unavailable:
            configuration.diagnostics.error(message, socket.place, fix=fix)
    return bool(wrong)


def placed(configuration: Configuration) -> list[Any]:
    """The sockets of a script that may be meant for another machine: what only that one knows has an address that
    stands for it."""
    found = []
    for socket in configuration.sockets:
        if socket.protocol != BOND and listening.may_be_elsewhere(socket.host, configuration.dialect):
            configuration.diagnostics.warning(
                f"{socket.protocol}:{socket.host}: no address, interface or name of this machine", socket.place,
                fix="the server starts only where there is one")
            socket = dataclasses.replace(socket, host=STAND_IN)
        found.append(socket)
    return found


def hides_protocol(error: Diagnostic, found: Diagnostics) -> bool:
    """Whether a protocol may be missing for the reason of *error*: its line could not be read, or was swallowed."""
    line = found.line(error.place) or ""
    return error.code[:3] == "E06" or error.code in SWALLOWING or "proto_" in error.help + line \
        or (error.code[:3] == "E01" and "loadmodule" in line)


def described(configuration: Configuration, *, elsewhere: bool = False) -> Description:
    """What to start for *configuration*, or why it cannot be started; *elsewhere*: perhaps on another machine."""
    found = configuration.diagnostics
    result = Description(dialect=configuration.dialect)
    sockets = placed(configuration) if elsewhere else configuration.sockets
    if found.errors:
        if not any(hides_protocol(each, found) for each in found.errors):
            blame_sockets(configuration, sockets)
    else:
        try:
            result = settings.described(configuration.globals, sockets, configuration.dialect,
                                        protocols(configuration))
        except ConfigError as error:
            if not blame_sockets(configuration, sockets):
                found.error(error.message, NOWHERE)
    blocks = {severity: ["\n".join(found.block(each)) + "\n" for each in found.in_order() if each.severity == severity]
              for severity in (ERROR, WARNING)}
    result.errors, result.notes = blocks[ERROR], blocks[WARNING]
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Check the configuration that the command line names; the result goes to the descriptor that it gives."""
    parser = argparse.ArgumentParser(prog="opensips_py.server.check")
    parser.add_argument("config")
    parser.add_argument("--overrides", default="{}")
    parser.add_argument("--json", type=int, default=1, metavar="FD")
    parser.add_argument("--against", default="", metavar="FD:GENERATION",
                        help="the texts that the server runs on, to be compared")
    chosen = parser.parse_args(arguments)
    if chosen.against:
        os.nice(POLITE)
    recorder = Recorder(read_text)
    overrides = json.loads(chosen.overrides)
    codes = Codes()
    read = generation.read(chosen.config, overrides, recorder, codes)
    if not read.diagnostics.errors:
        read.verify()
    result = described(read)
    result.sources, result.codes = recorder.texts, codes.made
    if chosen.against and not result.errors:
        held = sources.taken_from(*map(int, chosen.against.split(":")))
        old = generation.read(chosen.config, overrides, sources.reader(held.texts), Codes(held.codes))
        changes.compare(old, read, described(old), result)
    with os.fdopen(chosen.json, "w", encoding="utf-8", errors="surrogateescape") as out:
        out.write(result.dump())


if __name__ == "__main__":
    main()
    quick.end(0)
