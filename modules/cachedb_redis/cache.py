"""The operations of a cache in the language of Redis."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from redis.exceptions import ResponseError

from opensips_py.module.caches import Cache, CacheError, Row
from opensips_py.modules.cachedb_redis.deployment import Deployment
from opensips_py.modules.cachedb_redis.node import Command, Lost, Reply, Unreachable
from opensips_py.modules.cachedb_redis.query import key_of, rows_of, words

CHUNK = 1000  # keys that a server is asked for at once
NO_NUMBER = ("not an integer", "WRONGTYPE", "overflow")  # how Redis says that a value is none


class RedisCache(Cache):
    """A cache whose keys are those of Redis: values are strings, maps are hashes."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    def fetch(self, key: str) -> str | None:
        found: str | None = self._one(key, ("GET", key))
        return found

    def store(self, key: str, value: str, expires: int) -> None:
        self._one(key, ("SET", key, value, "EX", expires) if expires else ("SET", key, value))

    def remove(self, key: str) -> None:
        self._one(key, ("DEL", key))

    def counter(self, key: str) -> int | None:
        found = self.fetch(key)
        if found is None:
            return None
        try:
            return int(found)
        except ValueError:
            raise ValueError(f"the value of {key} is no number") from None

    def add(self, key: str, amount: int, expires: int) -> int:
        added: Command = ("INCRBY", key, amount)
        replies = self._ask(key, [added, ("EXPIRE", key, expires)] if expires else [added], repeatable=False)
        return int(checked(replies[0]))

    def query(self, text: str) -> list[Row] | None:
        command = words(text)
        if not command:
            raise CacheError("a query needs a command")
        reply = checked(self._ask(key_of(command), [tuple(command)], repeatable=False)[0])
        return None if reply is None else rows_of(reply)

    def map_fetch(self, key: str) -> dict[str, str]:
        reply: list[str] = self._one(key, ("HGETALL", key))
        return dict(zip(reply[::2], reply[1::2], strict=True))

    def map_change(self, key: str, stored: Mapping[str, str], removed: Iterable[str] = (), expires: int = 0) -> None:
        gone = [each for each in removed if each not in stored]
        changes: list[Command] = []
        if stored:
            changes.append(("HSET", key, *(part for pair in stored.items() for part in pair)))
        if gone:
            changes.append(("HDEL", key, *gone))
        if expires:
            changes.append(("EXPIRE", key, expires))
        if changes:
            *queued, done = self._ask(key, [("MULTI",), *changes, ("EXEC",)])
            for each in (*queued, done, *(done if isinstance(done, list) else ())):
                checked(each)

    def keys(self, glob: str) -> Iterator[str]:
        self.deployment.ask(None, [("PING",)], repeatable=True)  # finds out which servers there are
        for node in self.deployment.masters():
            cursor = "0"
            while True:
                try:
                    reply = node.ask("SCAN", cursor, "MATCH", glob, "COUNT", CHUNK)
                except (Unreachable, Lost) as error:
                    raise CacheError(str(error)) from None
                cursor, found = checked(reply)
                yield from found
                if cursor == "0":
                    break

    def close(self) -> None:
        self.deployment.close()

    def _ask(self, key: str | None, commands: list[Command], repeatable: bool = True) -> list[Reply]:
        return self.deployment.ask(key, commands, repeatable)

    def _one(self, key: str, command: Command) -> Any:
        return checked(self._ask(key, [command])[0])


def checked(reply: Reply) -> Any:
    """A reply that is no error; ValueError where a value is no number or not of the kind, else CacheError."""
    if isinstance(reply, ResponseError):
        text = str(reply)
        if any(each in text for each in NO_NUMBER):
            raise ValueError(text)
        raise CacheError(text)
    return reply
