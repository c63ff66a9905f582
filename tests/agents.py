"""Telephones of Debian's packages, without sound devices: baresip and linphone-daemon, each in a folder of its own."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import wave
from typing import Any

from tests.live import HOST, free_ports

BARESIP, LINPHONE = shutil.which("baresip"), shutil.which("linphone-daemon")
MODULES = pathlib.Path("/usr/lib/baresip/modules")
SECONDS = 10  # that something may take


class Agent:
    """A telephone: it is registered with *password* at *proxy*, calls, takes what comes, and hangs up."""

    def __init__(self, folder: pathlib.Path, user: str, password: str, proxy: str) -> None:
        self.folder, self.user, self.password, self.proxy = folder / user, user, password, proxy
        self.folder.mkdir()
        self.port, _, self.control, _ = free_ports(4)  # each and the next: for baresip's TLS, for linphone's RTCP
        self.log = open(self.folder / "log", "ab")  # noqa: SIM115
        self.process = self.start()

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.process.kill()
        self.process.wait()
        self.log.close()

    def start(self) -> subprocess.Popen[bytes]:
        """The running program."""
        raise NotImplementedError

    def connected(self, family: int, place: Any, process: subprocess.Popen[bytes]) -> socket.socket:
        """A connection to where it takes commands, once it does."""
        end = time.monotonic() + SECONDS
        while True:
            made = socket.socket(family)
            with contextlib.suppress(OSError):
                made.connect(place)
                return made
            made.close()
            assert time.monotonic() < end and process.poll() is None, self.told()
            time.sleep(0.02)

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        """Start it where it finds no configuration but ours."""
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                cwd=self.folder, env={**os.environ, "HOME": str(self.folder)})

    def told(self) -> str:
        """What it has printed."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]


class Baresip(Agent):
    """baresip, by its control socket: netstrings with JSON."""

    def start(self) -> subprocess.Popen[bytes]:
        """The running program."""
        assert BARESIP is not None
        lines = [f"sip_listen {HOST}:{self.port}", f"ctrl_tcp_listen {HOST}:{self.control}", f"module_path {MODULES}",
                 f"audio_source aufile,{self.folder}/said.wav", f"audio_alert aufile,{self.folder}/alert.wav",
                 "module g711.so", "module aufile.so", "module_tmp account.so", "module_app menu.so",
                 "module_app ctrl_tcp.so", ""]
        with wave.open(f"{self.folder}/said.wav", "wb") as said:
            said.setparams((1, 2, 8000, 0, "NONE", ""))
            said.writeframes(bytes(range(256)) * (SECONDS * 8000 * 2 // 256))
        (self.folder / "config").write_text("\n".join(lines))
        (self.folder / "contacts").write_text("")
        (self.folder / "accounts").write_text(
            f"<sip:{self.user}@{self.proxy}>;auth_user={self.user};auth_pass={self.password};"
            "regint=600;answermode=auto;audio_codecs=PCMU/8000/1\n")
        process = self.run(BARESIP, "-4", "-f", str(self.folder))
        self.events: list[dict[str, Any]] = []
        self.socket = self.connected(socket.AF_INET, (HOST, self.control), process)
        return process

    def read(self, seconds: float) -> None:
        """Take the next part of what it tells."""
        self.socket.settimeout(seconds)
        length = b""
        while (sign := self.socket.recv(1)) != b":":
            assert sign, self.told()
            length += sign
        text = b""
        while len(text) <= int(length):  # and the comma at the end
            text += self.socket.recv(int(length) + 1 - len(text))
        self.events.append(json.loads(text[:-1]))

    def awaited(self, kind: str) -> None:
        """Wait for an event; those before it are forgotten."""
        end = time.monotonic() + SECONDS
        while not any(each.get("type") == kind for each in self.events):
            try:
                self.read(end - time.monotonic())
            except (TimeoutError, ValueError):
                raise AssertionError(f"{self.user} has not told {kind}: {self.events} {self.told()}") from None
        place = next(index for index, each in enumerate(self.events) if each.get("type") == kind)
        del self.events[:place + 1]

    def ask(self, command: str, parameters: str = "") -> None:
        """Have it do something."""
        text = json.dumps({"command": command, "params": parameters})
        self.socket.sendall(f"{len(text)}:{text},".encode())

    def registered(self) -> None:
        """Wait until it is registered; that may have been told before anybody listened."""
        end = time.monotonic() + SECONDS
        while not any(each.get("type") == "REGISTER_OK" or "OK" in str(each.get("data")) for each in self.events):
            assert time.monotonic() < end, self.told()
            self.ask("reginfo")
            self.read(SECONDS)
            time.sleep(0.02)
        self.events.clear()

    def call(self, user: str) -> None:
        """Call somebody here."""
        self.ask("dial", f"sip:{user}@{self.proxy}")

    def established(self) -> None:
        """Wait until it is in a call."""
        self.awaited("CALL_ESTABLISHED")

    def hang_up(self) -> None:
        """End the call."""
        self.ask("hangup")

    def ended(self) -> None:
        """Wait until the call is over."""
        self.awaited("CALL_CLOSED")


class Linphone(Agent):
    """linphone-daemon, by its socket."""

    def start(self) -> subprocess.Popen[bytes]:
        """The running program."""
        assert LINPHONE is not None
        (self.folder / "rc").write_text(f"[sip]\nsip_port={self.port}\nsip_tcp_port=0\nsip_tls_port=0\n"
                                        f"[rtp]\naudio_rtp_port={self.control}\n")
        (self.folder / ".local" / "share" / "linphone").mkdir(parents=True)
        name = f"opensips-py-linphone-{self.control}"
        self.place = pathlib.Path("/tmp", name)  # where it makes it, whatever we say
        process = self.run(LINPHONE, "--config", str(self.folder / "rc"), "--pipe", name, "--auto-answer")
        self.socket = self.connected(socket.AF_UNIX, str(self.place), process)
        self.socket.settimeout(SECONDS)
        self.ask(f"register sip:{self.user}@{HOST} sip:{self.proxy} {self.password} {self.user}")
        return process

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.place.unlink(missing_ok=True)

    def ask(self, command: str) -> dict[str, str]:
        """Its answer to a command, field by field."""
        self.socket.sendall(f"{command}\n".encode())
        text = self.socket.recv(65536).decode(errors="replace")
        return dict(re.findall(r"^([\w-]+): *(.*)$", text, re.M))

    def awaited(self, command: str, field: str, *values: str) -> None:
        """Wait until a command answers so; it tells no news by itself."""
        end = time.monotonic() + SECONDS
        while (answer := self.ask(command)).get(field) not in values:
            assert time.monotonic() < end, f"{self.user}: {command}: {answer} {self.told()}"
            time.sleep(0.05)

    def registered(self) -> None:
        """Wait until it is registered."""
        self.awaited("register-status 1", "State", "LinphoneRegistrationOk")

    def call(self, user: str) -> None:
        """Call somebody here."""
        assert self.ask(f"call sip:{user}@{self.proxy}")["Status"] == "Ok"

    def established(self) -> None:
        """Wait until it is in a call."""
        self.awaited("call-status", "State", "LinphoneCallStreamsRunning")

    def hang_up(self) -> None:
        """End the call."""
        assert self.ask("terminate")["Status"] == "Ok"

    def ended(self) -> None:
        """Wait until the call is over."""
        self.awaited("call-status", "Status", "Error")
