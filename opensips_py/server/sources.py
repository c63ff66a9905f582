"""The texts of a checked configuration: every process reads them in place of the files, which may change meanwhile."""
from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

SLOTS = 2  # the generation in use and the one being prepared


def create() -> list[int]:
    """Descriptors for the texts of two generations."""
    return [os.memfd_create("sources") for _ in range(SLOTS)]


@dataclass(frozen=True, slots=True)
class Sources:
    """What a generation is made of: the texts by the path they were read from, and the code of long routes."""

    texts: dict[str, str]
    codes: dict[str, str]


def place(fds: list[int], generation: int, texts: Mapping[str, str], codes: Mapping[str, str] | None = None) -> None:
    """Keep *texts* and *codes* for *generation*; those of the one before the last go."""
    fd = fds[generation % SLOTS]
    os.ftruncate(fd, 0)
    held = {"generation": generation, "texts": dict(texts), "codes": dict(codes or {})}
    data = memoryview(json.dumps(held).encode())
    written = 0
    while written < len(data):
        written += os.pwrite(fd, data[written:], written)


def taken(fds: list[int], generation: int) -> Sources:
    """What *generation* is made of; ValueError where it is not there."""
    return taken_from(fds[generation % SLOTS], generation)


def taken_from(fd: int, generation: int) -> Sources:
    """What *generation* is made of, out of the descriptor that holds it; ValueError where that holds another."""
    held = json.loads(os.pread(fd, os.fstat(fd).st_size, 0) or b"{}")
    if held.get("generation") != generation:
        raise ValueError(f"there is no generation {generation}")
    return Sources(held["texts"], held["codes"])


def reader(texts: Mapping[str, str]) -> Callable[[str], str]:
    """What reads a file: out of *texts* alone."""
    def read(path: str) -> str:
        if path not in texts:
            raise FileNotFoundError(errno.ENOENT, "it was not there when the configuration was checked", path)
        return texts[path]
    return read


class Recorder:
    """Reads files and keeps what was read."""

    def __init__(self, read: Callable[[str], str]) -> None:
        self.texts: dict[str, str] = {}
        self._read = read

    def __call__(self, path: str) -> str:
        text = self._read(path)
        self.texts[path] = text
        return text
