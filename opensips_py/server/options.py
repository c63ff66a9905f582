"""The daemon's command line: OpenSIPS's letters of 2.1 and 4.0."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

DEFAULT_CONFIG = "/etc/opensips/opensips.cfg"

# Letter -> why it changes nothing here. They are accepted so that existing unit files and scripts go on working.
WITHOUT_EFFECT = {
    "m": "memory is taken from the system as needed", "M": "memory is taken from the system as needed",
    "a": "there is one memory allocator", "k": "there is one memory allocator", "s": "there is one memory allocator",
    "e": "there is one memory allocator", "W": "the event loop chooses its poll method",
    "S": "SCTP is switched on by its module", "A": "it is of use to OpenSIPS's own processes only",
    "i": "it is of use to OpenSIPS's own processes only",
}
WITH_VALUE = "mMaksAeW"
FLAGS = "Si"


@dataclass(slots=True)
class Options:
    """What the command line says."""

    config: str = DEFAULT_CONFIG
    check: bool = False
    foreground: bool = False
    debug_mode: bool = False
    to_stderr: bool = False
    debug: int = 0
    listeners: list[str] = field(default_factory=list)
    udp_workers: int | None = None
    tcp_workers: int | None = None
    receive_buffer: int | None = None
    check_via: bool = False
    dns: bool = False
    reverse_dns: bool = False
    no_tcp: bool = False
    directory: str = ""
    chroot: str = ""
    user: str = ""
    group: str = ""
    pid_file: str = ""
    group_file: str = ""
    preprocessor: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    def overrides(self) -> dict[str, Any]:
        """The global parameters that the command line sets in place of the script, and the sockets that it adds."""
        values: dict[str, Any] = {
            "listen": self.listeners or None, "udp_workers": self.udp_workers, "tcp_workers": self.tcp_workers,
            "maxbuffer": self.receive_buffer, "check_via": 1 if self.check_via else None,
            "dns": 1 if self.dns else None, "rev_dns": 1 if self.reverse_dns else None,
            "disable_tcp": 1 if self.no_tcp else None, "debug_mode": 1 if self.debug_mode else None,
            "argv": self.variables or None, "preprocessor": self.preprocessor or None,
        }
        return {name: value for name, value in values.items() if value is not None}


class Ignored(argparse.Action):
    """A letter that is accepted and changes nothing."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        """Remember the letter, so that the server says once what became of it."""
        namespace.ignored = [*(namespace.ignored or []), (option_string or "-")[1]]


def assignment(text: str) -> tuple[str, str]:
    """The name and the value of ``-o name=value``."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=value")
    return name, value


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    result = argparse.ArgumentParser(prog="opensips-py", add_help=False, allow_abbrev=False, description="A SIP server "
                                     "that runs opensips.cfg.")
    add = result.add_argument
    add("-h", action="help", help="print this text and end")
    add("-V", "--version", dest="version", action="store_true", help="print the version and end")
    add("-f", dest="config", metavar="FILE", default=DEFAULT_CONFIG, help=f"configuration (default {DEFAULT_CONFIG})")
    add("-c", "-C", dest="check", action="store_true", help="check the configuration, print every error and end")
    add("-l", dest="listeners", metavar="ADDRESS", action="append", default=[],
        help="listen on [proto:]address[:port], besides the configuration's sockets; may be repeated")
    add("-n", dest="udp_workers", metavar="N", type=int, help="workers asked for; the cores of the machine limit them")
    add("-N", dest="tcp_workers", metavar="N", type=int, help="the same for TCP")
    add("-b", dest="receive_buffer", metavar="BYTES", type=int, help="largest UDP receive buffer to ask the system for")
    add("-v", dest="check_via", action="store_true", help="check that the top Via of a reply is ours")
    add("-r", dest="dns", action="store_true", help="compare the host of the top Via with the source by DNS")
    add("-R", dest="reverse_dns", action="store_true", help="the same by reverse DNS")
    add("-T", dest="no_tcp", action="store_true", help="open no TCP socket")
    add("-d", dest="debug", action="count", default=0, help="log more; may be repeated")
    add("-D", dest="debug_mode", action="store_true", help="debug mode: foreground, log to stderr")
    add("-F", dest="foreground", action="store_true", help="stay in the foreground")
    add("-E", dest="to_stderr", action="store_true", help="log to stderr")
    add("-w", dest="directory", metavar="DIR", default="", help="change to this directory")
    add("-t", dest="chroot", metavar="DIR", default="", help="change the root directory")
    add("-u", dest="user", metavar="USER", default="", help="run as this user once the sockets are bound")
    add("-g", dest="group", metavar="GROUP", default="", help="run as this group once the sockets are bound")
    add("-P", dest="pid_file", metavar="FILE", default="", help="write the process id here")
    add("-G", dest="group_file", metavar="FILE", default="", help="write the process group id here")
    add("-p", dest="preprocessor", metavar="COMMAND", default="",
        help="run the configuration through this command first")
    add("-o", dest="variables", metavar="NAME=VALUE", type=assignment, action="append", default=[],
        help="a value for $argv(NAME); may be repeated")
    for letter in WITH_VALUE:
        add(f"-{letter}", dest="ignored", metavar="VALUE", action=Ignored, help=f"no effect: {WITHOUT_EFFECT[letter]}")
    for letter in FLAGS:
        add(f"-{letter}", dest="ignored", nargs=0, action=Ignored, help=f"no effect: {WITHOUT_EFFECT[letter]}")
    return result


def parse(arguments: Sequence[str] | None = None) -> tuple[Options, bool]:
    """The options, and whether only the version is asked for; ends the program on a mistake, as argparse does."""
    values = vars(parser().parse_args(sys.argv[1:] if arguments is None else arguments))
    version = values.pop("version")
    values["variables"] = dict(values["variables"])
    values["ignored"] = list(dict.fromkeys(values["ignored"] or []))
    return Options(**values), version


def notes(options: Options) -> list[str]:
    """One line for all letters that were given and change nothing."""
    reasons: dict[str, list[str]] = {}
    for letter in options.ignored:
        reasons.setdefault(WITHOUT_EFFECT[letter], []).append(f"-{letter}")
    if not reasons:
        return []
    return ["without effect: " + "; ".join(f"{', '.join(letters)} ({why})" for why, letters in reasons.items())]
