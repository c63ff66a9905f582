"""A database of subscribers for a script under test, and clients that are in it."""
from __future__ import annotations

from typing import Any

from opensips_py.db import Database, schema
from opensips_py.sip.digest import ha1
from tests.db.databases import create

HEAD = """socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "auth.so"
"""
NAMES = {"ha1": "MD5", "ha1_sha256": "SHA-256", "ha1_sha512t256": "SHA-512-256"}


def hashes(user: str, realm: str, password: str) -> dict[str, str]:
    """The columns of 4.0 with hashes."""
    return {column: ha1(user, realm, password, algorithm) for column, algorithm in NAMES.items()}


def add_user(database: Database, user: str, password: str, domain: str = "example.com", table: str = "subscriber",
             dialect: str = "4.0", **more: Any) -> None:
    """Put a user into a table of the form of *dialect*."""
    values = {"username": user, "domain": domain, "password": password, **hashes(user, domain, password),
              "ha1b": ha1(f"{user}@{domain}", domain, password)}
    known = schema(dialect)["subscriber"].names
    database.insert(table, {**{name: value for name, value in values.items() if name in known}, **more})


def subscribers(folder: Any, *tables: str, dialect: str = "4.0") -> tuple[str, Database]:
    """The URL of an SQLite database with these tables in the form of *dialect*, and the database."""
    url = f"sqlite://{folder}/subscribers.sqlite"
    return url, create(url, *tables, dialect=dialect)


def scripted(modules: str, url: str, route: str, settings: str = "", drivers: str = "db_sqlite") -> str:
    """A configuration that loads *modules* on the database *url*; each request is answered 200 in the end."""
    loads = "".join(f'loadmodule "{name}.so"\n' for name in (*drivers.split(), *modules.split()))
    return (f'{HEAD}db_default_url="{url}"\n{loads}{settings}\nroute {{\n{route}\nsend_reply(200, "OK");\n}}\n')

