"""Users whose calls of Lua functions are logged, the same in all workers."""
from __future__ import annotations

from typing import Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Run
from opensips_py.state import Records, Words
from opensips_py.state.names import LONGEST

CAPACITY = 1024  # names that were ever watched
NUMBER = "\0"  # the record that holds how many are


class Watched:
    """The watched users; *words* are shared by all processes."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.records = Records(words, CAPACITY)
        self.number = self.records.place(NUMBER, 1)

    @staticmethod
    def size() -> int:
        """How many words that takes."""
        return Records.size(CAPACITY, CAPACITY)

    def names(self) -> list[str]:
        """Who is watched."""
        return [name for name in self.records.names() if name != NUMBER and self.is_watched(name)]

    def is_watched(self, name: str) -> bool:
        """Whether *name* is watched."""
        return bool(self.words.load(self.records.place(name, 1)))

    def set(self, name: str, watched: bool) -> bool:
        """Watch *name* from now on, or no longer; whether that is a change. ValueError for a name that is too long."""
        if not 0 < len(name.encode("utf-8", "surrogateescape")) <= LONGEST:
            raise ValueError(f"an extension has 1 to {LONGEST} bytes")
        changed = self.words.cas(self.records.place(name, 1), int(not watched), int(watched))
        if changed:
            self.words.add(self.number, 1 if watched else -1)
        return bool(changed)

    def among(self, run: Run) -> str | None:
        """The watched user whom the message of *run* is from or to, if there is one."""
        if not self.words.load(self.number):
            return None
        watched = set(self.names())
        return next((user for user in users(run.message) if user in watched), None)


def users(message: Any) -> list[str]:
    """The users in From, To and the Request-URI of *message*."""
    found = []
    for part in ("from_", "to", *(("parsed_uri",) if message.is_request else ())):
        try:
            uri = getattr(message, part)
            found.append(getattr(uri, "parsed_uri", uri).user)
        except MalformedMessage:
            continue
    return [user for user in found if user]
