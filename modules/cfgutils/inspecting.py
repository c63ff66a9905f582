"""What an administrator asks about the server itself: was the configuration changed, where is the memory?"""
from __future__ import annotations

import gc
import hashlib
import logging
import pathlib
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MIError
from opensips_py.module import Route, mi, param, script

if TYPE_CHECKING:
    from opensips_py.module.services import Services
    from opensips_py.modules.cfgutils.shared import SharedVariables

CHANGED, NONE, TROUBLE = 400, 404, 500
GENERATION, DIGEST = 0, 1  # words; the digest takes two


class Inspecting:
    """The hash of a file, and reports on memory."""

    services: Services
    log: logging.Logger
    shared: SharedVariables

    hash_file: str = param("", "File whose hash is taken when a configuration takes effect; none where empty.")

    def start_hash(self) -> None:
        """Take the hash, unless a process of this generation has done so: the file may have changed since."""
        if not self.hash_file:
            return
        self.hash_words: Any = self.services.shared_words("cfgutils hash", 3)
        generation = getattr(self.services.generation, "number", 1)
        if self.hash_words.load(GENERATION) < generation:
            digest = self.digest()
            self.hash_words.write(DIGEST, digest or bytes(16))
            self.hash_words.store(GENERATION, generation)

    def digest(self) -> bytes:
        """The hash of the file as it is now; empty where it cannot be read."""
        try:
            return hashlib.md5(pathlib.Path(self.hash_file).read_bytes(), usedforsecurity=False).digest()
        except OSError as error:
            self.log.error("hash_file %s cannot be read: %s", self.hash_file, error.strerror)
            return b""

    def stored(self) -> bytes:
        """The hash that was taken; MIError where there is none."""
        if not self.hash_file:
            raise MIError(NONE, "Functionality disabled, no file for hashing is configured")
        digest: bytes = self.hash_words.read(DIGEST, 16)
        if not any(digest):
            raise MIError(TROUBLE, "The file could not be read when its hash was to be taken")
        return digest

    @mi("check_config_hash", v40="cfgutils:check_config_hash")
    def check_config_hash(self) -> str:
        """Whether hash_file is as it was when its hash was taken; an error where it is not."""
        stored, now = self.stored(), self.digest()
        if not now:
            raise MIError(TROUBLE, "Error during hash calculation")
        if now != stored:
            raise MIError(CHANGED, "The actual config file hash is not identical to the stored one.")
        return "The actual config file hash is identical to the stored one."

    @mi("get_config_hash", v40="cfgutils:get_config_hash")
    def get_config_hash(self) -> str:
        """The hash (MD5) that was taken of hash_file."""
        return self.stored().hex()

    @script(Route.ANY)
    def pkg_status(self) -> bool:
        """Log how much memory this process has for itself, and how many objects it works with."""
        memory = kilobytes()
        self.log.warning("private memory: %d KiB in use, %d KiB of data, %d objects that may form cycles",
                         memory.get("RssAnon", 0), memory.get("VmData", 0), sum(gc.get_count()) + gc.get_freeze_count())
        return True

    @script(Route.ANY)
    def shm_status(self) -> bool:
        """Log how much memory this process shares with the others, and how much of it shared variables take."""
        self.log.warning("shared memory: %d KiB in use, %d shared variables with %d bytes",
                         kilobytes().get("RssShmem", 0), len(self.shared.names()), self.shared.records.used * 8)
        return True


def kilobytes() -> dict[str, int]:
    """What the system says about the memory of this process, in KiB."""
    try:
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return {}
    parts = (line.replace(":", "").split() for line in lines if line.endswith("kB"))
    return {name: int(value) for name, value, _ in parts}
