"""The URLs of caches as OpenSIPS writes them: scheme:group://user:password@host:port,host:port/database?option=value."""
from __future__ import annotations

import re
from dataclasses import dataclass, field

FORM = re.compile(r"(?P<scheme>[a-z][a-z0-9_]*):(?:(?P<group>[^/:]*):)?(?P<rest>//.*)\Z", re.S | re.I)
SERVERS = re.compile(r"//(?:(?P<user>[^:@/]*)(?::(?P<password>.*))?@)?(?P<hosts>[^@/]*)(?:/(?P<database>[^@]*))?\Z",
                     re.S)
HOST = re.compile(r"(?P<host>\[[^]]+]|[^:\[\]]+)(?::(?P<port>\d+))?\Z")
SECRET = re.compile(r"^//([^:@/]*):.*@", re.S)


@dataclass(frozen=True)
class Servers:
    """Where a store is: *hosts* are tried in their order; port 0 is the store's own."""

    user: str = ""
    password: str = field(default="", repr=False)
    hosts: tuple[tuple[str, int], ...] = ()
    database: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def option(self, name: str, default: str = "") -> str:
        """The value of an option behind the question mark."""
        return dict(self.options).get(name, default)


@dataclass(frozen=True)
class CacheUrl:
    """A URL in the parts that all have; what stands behind them is the business of the store."""

    scheme: str
    group: str
    rest: str = field(repr=False)  # from its slashes on

    @classmethod
    def parse(cls, text: str) -> CacheUrl:
        """The parts of *text*; ValueError says what is wrong, without showing a password."""
        found = FORM.match(text.strip())
        if found is None:
            raise ValueError('the URL of a cache looks like "local://" or "redis:group://user:password@host:port/"')
        return cls(found["scheme"].lower(), found["group"] or "", found["rest"])

    @property
    def name(self) -> str:
        """What scripts call the cache."""
        return f"{self.scheme}:{self.group}" if self.group else self.scheme

    def servers(self) -> Servers:
        """What *rest* says of servers; ValueError where it says nothing of the kind."""
        rest, _, query = self.rest.partition("?")
        found = SERVERS.match(rest)
        if found is None:
            raise ValueError(f'a URL of {self.scheme} looks like "{self.scheme}:group://user:password@host:port/"')
        hosts = tuple(host(each.strip()) for each in found["hosts"].split(",") if each.strip())
        options = tuple((name, value) for name, _, value in (each.partition("=") for each in query.split("&") if each))
        return Servers(found["user"] or "", found["password"] or "", hosts, found["database"] or "", options)

    def __str__(self) -> str:
        """The URL without its password, as logs show it."""
        return f"{self.name}:" + SECRET.sub(r"//\1@", self.rest)


def host(text: str) -> tuple[str, int]:
    """A host and its port."""
    found = HOST.match(text)
    if found is None:
        raise ValueError(f'"{text}" is no host with a port')
    port = int(found["port"] or 0)
    if port > 65535:
        raise ValueError(f"{port} is no port: they end at 65535")
    return found["host"].strip("[]"), port
