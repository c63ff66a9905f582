"""What becomes of a folder of configurations: python -m tests.corpus DIR

Each file is checked. What is accepted is started on free ports of loopback and asked OPTIONS. M4 templates are expanded
first: NAME.m4 with what NAME_def.m4 defines, once as it stands and once with every `no` of it turned into `yes`.
"""
from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from opensips_py.script.preprocessor import read_text
from opensips_py.server import generation
from opensips_py.server.check import described
from tests.live import HOST, Server, ask, free_ports, options

MISSING = re.compile(r"(?<!of )module (\S+?),?(?: which)? is not available yet")
INCLUDE = re.compile(r'^\s*(?:include_file|import_file)\s+"([^"]+)"', re.MULTILINE)
PATIENCE = 15.0  # seconds that a server has to start and to answer
REFUSED, WAITS, NOT_STARTED, SILENT, ANSWERED = "refused", "waits", "not started", "silent", "answered"
MUTE = "mute"  # it runs, and nothing in it could answer
ANSWERING = re.compile(r"\w*(?:reply|relay|forward|challenge|save|send|registration)\w*\s*\(")
# Settings that reach beyond the folder of the server: (name of the parameter, what takes the place of its value)
REWRITTEN = (
    (r'("mi_fifo"[^\n]*"fifo_name"[^\n]*,[ \t]*)"[^"]*"', r'\g<1>"@RUN@/fifo"'),
    (r'("mi_datagram"[^\n]*"socket_name"[^\n]*,[ \t]*)"/[^"]*"', r'\g<1>"@RUN@/datagram"'),
    (r'("httpd"[^\n]*"port"[^\n]*,[ \t]*)"?\d+"?', r"\g<1>@HTTP@"),
    (r'("httpd"[^\n]*"ip"[^\n]*,[ \t]*)"[^"]*"', rf'\g<1>"{HOST}"'),
    (r"(?m)^([ \t]*)(?:listen|socket)[ \t]*=[^\n]*", r"\g<1># it has one of ours"),
    (r"(?m)^([ \t]*)(?:user|group|uid|gid|chroot|wdir|workdir|working_dir)[ \t]*=[^\n]*", r"\g<1># not here"),
)


@dataclasses.dataclass
class Config:
    """One configuration: where it stands, and its text."""

    name: str
    path: pathlib.Path
    text: str


@dataclasses.dataclass
class Outcome:
    """What became of one: a word, and the details."""

    name: str
    dialect: str
    word: str
    details: str

    @property
    def is_wrong(self) -> bool:
        return self.word in (REFUSED, NOT_STARTED, SILENT)


def found(folder: pathlib.Path) -> list[Config]:
    """All configurations below *folder*, other than parts that another one includes."""
    texts = {path: read_text(str(path)) for path in sorted(folder.rglob("*.cfg")) if path.is_file()}
    parts = {(path.parent / name).resolve() for path, text in texts.items() for name in INCLUDE.findall(text)}
    whole = [Config(str(path.relative_to(folder)), path, text) for path, text in texts.items()
             if path.resolve() not in parts]
    return whole + [each for path in sorted(folder.rglob("*.m4")) if not path.stem.endswith("_def")
                    for each in expanded(path, folder)]


def expanded(path: pathlib.Path, folder: pathlib.Path) -> list[Config]:
    """The configurations that a template becomes."""
    name = str(path.relative_to(folder))
    if shutil.which("m4") is None:
        print(f"{name}: left out, m4 is not installed", file=sys.stderr)
        return []
    beside = path.with_name(f"{path.stem}_def.m4")
    definitions, template = (beside.read_text(), path.read_text()) if beside.is_file() else ("", path.read_text())
    all_on = re.sub(r"(?m)^(define\(`\w+', `)no(?='\))", r"\g<1>yes", definitions or template)
    return [Config(f"{name} ({label})", path, m4(text)) for label, text in (
        ("as it stands", definitions + template), ("all on", all_on + template if definitions else all_on))]


def m4(text: str) -> str:
    """*text* expanded."""
    return subprocess.run(["m4"], input=text, capture_output=True, text=True, check=True).stdout


def tried(config: Config) -> Outcome:
    """Check a configuration; start it if it is accepted."""
    here = str(config.path)
    result = generation.read(here, {}, lambda path: config.text if path == here else read_text(path))
    description = described(result, elsewhere=True)
    others = [str(each) for each in result.diagnostics.errors if not MISSING.search(each.message)]
    modules = {each for error in result.diagnostics.errors for each in MISSING.findall(error.message)}
    if others:
        return Outcome(config.name, result.dialect, REFUSED, others[0])
    if modules:
        return Outcome(config.name, result.dialect, WAITS, "for " + ", ".join(sorted(modules)))
    protocols = list(dict.fromkeys(each.protocol for each in description.listeners))
    return Outcome(config.name, result.dialect, *started(config, protocols))


def started(config: Config, protocols: list[str]) -> tuple[str, str]:
    """Start a configuration on ports of its own, and ask it; what came of it."""
    http, port = free_ports(2)
    text = config.text
    for pattern, replacement in REWRITTEN:
        text = re.sub(pattern, replacement, text)
    text = INCLUDE.sub(lambda match: match[0].replace(match[1], str((config.path.parent / match[1]).resolve())), text)
    listeners = [argument for each in protocols or ["udp"] for argument in ("-l", f"{each}:{HOST}:{port}")]
    with tempfile.TemporaryDirectory(prefix="opensips-py-corpus-") as folder:
        server = Server(text, *listeners, folder=pathlib.Path(folder), wait=False, PORT=port, HTTP=http)
        server.start()
        try:
            return answered(server, "udp" in (protocols or ["udp"]))
        finally:
            server.stop()


def answered(server: Server, over_udp: bool) -> tuple[str, str]:
    """Ask OPTIONS until there is an answer."""
    deadline, sequence = time.monotonic() + PATIENCE, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        while time.monotonic() < deadline:
            if server.process.poll() is not None:
                return NOT_STARTED, server.log.strip().rpartition("\n")[2][-200:]
            sequence += 1
            request = options(server.port, sock.getsockname()[1], sequence)
            with contextlib.suppress(OSError):
                reply = ask(server.port, request, 0.5, sock) if over_udp else over_tcp(server.port, request)
                return ANSWERED, reply.split(b"\r\n", 1)[0].decode(errors="replace").partition(" ")[2]
    answers = ANSWERING.search(server.config.read_text())
    return (SILENT, "it runs, and does not answer") if answers else (MUTE, "it runs, and has nothing to answer with")


def over_tcp(port: int, request: bytes) -> bytes:
    """The answer to a request on a connection of its own."""
    with socket.create_connection((HOST, port), 1) as connection:
        connection.sendall(request.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
        connection.settimeout(1)
        return connection.recv(65535)


def main(folder: str) -> int:
    """Try all; prints a table, and returns how many are wrong."""
    configs = found(pathlib.Path(folder))
    width = max((len(each.name) for each in configs), default=0)
    wrong = 0
    for config in configs:
        outcome = tried(config)
        wrong += outcome.is_wrong
        print(f"{outcome.name:<{width}}  {outcome.dialect}  {outcome.word:<11}  {outcome.details}", flush=True)
    print(f"{len(configs)} configurations, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.corpus DIR")
    sys.exit(bool(main(sys.argv[1])))
