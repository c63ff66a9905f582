"""Database URLs as OpenSIPS writes them: driver://user:password@host:port/database?option=value."""
from __future__ import annotations

import re
from dataclasses import dataclass, field

FORM = re.compile(r"(?P<scheme>[a-z][a-z0-9_]*):(?P<rest>.*)\Z", re.S | re.I)
AUTHORITY = re.compile(r"(?:(?P<user>[^:@/]*)(?::(?P<password>.*))?@)?(?P<host>\[[^]]*]|[^:/@]*)(?::(?P<port>\d+))?\Z",
                       re.S)
PATHS = {"sqlite", "text", "flatstore", "virtual"}  # what follows is a path or a name, no host


@dataclass(frozen=True)
class DatabaseUrl:
    """The parts of a database URL; *database* is a name, or the path for drivers that keep files."""

    scheme: str
    user: str = ""
    password: str = field(default="", repr=False)
    host: str = ""
    port: int = 0  # 0: the driver's own
    database: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> DatabaseUrl:
        """The parts of *text*; ValueError says what is wrong, without showing the password."""
        found = FORM.match(text.strip())
        if found is None:
            raise ValueError('a database URL looks like "mysql://user:password@host/database" or "sqlite:///path/to/file"')
        scheme, rest = found["scheme"].lower(), found["rest"]
        rest, _, query = rest.partition("?") if scheme not in PATHS else (rest, "", "")
        options = tuple((name, value) for name, _, value in (each.partition("=") for each in query.split("&") if each))
        if scheme in PATHS:
            return cls(scheme, database=rest.removeprefix("//"))
        if not rest.startswith("//"):
            raise ValueError(f'"{scheme}:" is followed by "//" in a database URL: write '
                             f'"{scheme}://user:password@host:port/database"')
        where, slash, database = rest[2:].rpartition("/")
        authority = AUTHORITY.match(where)
        if not slash or not database or authority is None:
            raise ValueError(f'a URL of {scheme} looks like "{scheme}://user:password@host:port/database"')
        port = int(authority["port"] or 0)
        if port > 65535:
            raise ValueError(f"{port} is no port: they end at 65535")
        return cls(scheme, authority["user"] or "", authority["password"] or "", authority["host"].strip("[]"), port,
                   database, options)

    def option(self, name: str, default: str = "") -> str:
        """The value of an option behind the question mark."""
        return dict(self.options).get(name, default)

    def __str__(self) -> str:
        """The URL without its password, as logs show it."""
        if self.scheme in PATHS:
            return f"{self.scheme}://{self.database}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{self.scheme}://{user}{host}{f':{self.port}' if self.port else ''}/{self.database}"
