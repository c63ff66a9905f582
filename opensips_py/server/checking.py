"""Runs the checking process: the supervisor never reads a configuration itself."""
from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

from opensips_py.server import description, python
from opensips_py.server.description import Description
from opensips_py.server.privileges import Identity

PROGRAM = "opensips_py.server.check"
LIMIT = 40.0  # seconds for a check while a server runs


class Checking:
    """One check of *config* on its way, done as the user that the server will run as.

    *against* is the descriptor of the texts that a server runs on, and the number of their generation: what comes of
    the check says what is different.
    """

    def __init__(self, config: str, overrides: dict[str, Any], who: Identity | None = None, program: str = "",
                 against: tuple[int, int] | None = None) -> None:
        self._output, self._began = os.memfd_create("check"), time.monotonic()
        as_user: dict[str, Any] = {}
        if who is not None and not who.is_ours:
            as_user = {"user": who.uid, "group": who.gid, "extra_groups": list(who.groups)}
        texts = ["--against", f"{against[0]}:{against[1]}"] if against else []
        self._child = subprocess.Popen(
            [*python.PROGRAM, program or PROGRAM, config, "--overrides", json.dumps(overrides),
             "--json", str(self._output), *texts],
            stdin=subprocess.DEVNULL, pass_fds=[self._output, *(against or ())[:1]], env=python.environment(),
            **as_user)

    def result(self, wait: bool = False) -> Description | None:
        """What it says, once it has ended; None before."""
        status = self._child.wait() if wait else self._child.poll()
        if status is None:
            if time.monotonic() - self._began < LIMIT:
                return None
            self.kill()
            return Description(errors=[f"the check of the configuration did not end within {LIMIT:g} s"])
        with os.fdopen(self._output, "rb") as file:
            file.seek(0)
            text = file.read()
        if not text:
            return Description(errors=[f"the check of the configuration itself failed (status {status})"])
        return description.load(text)

    def kill(self) -> None:
        """End it early."""
        self._child.kill()
        self._child.wait()
        os.close(self._output)
