"""A script of OpenSIPS 2.1 rewritten in the dialect of 4.0: what differs is changed, everything else stays to the byte.

Names come from the table of renames, kinds of arguments from the declarations of the modules. What has no counterpart
stays, with a comment that says what 4.0 has instead.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping

from opensips_py.errors import ConfigError
from opensips_py.module.registry import Registry
from opensips_py.script import configuration, dialect, tree
from opensips_py.script.converting.accounting import Accounting
from opensips_py.script.converting.routes import Routes
from opensips_py.script.converting.settings import Settings
from opensips_py.script.converting.source import Source
from opensips_py.script.core import registry_with_core

BUILT_IN = "proto_udp"  # what OpenSIPS 1.x spoke without a loadmodule line


def converted(path: str, texts: Mapping[str, str]) -> dict[str, str]:
    """The texts of the configuration *path* and of what it includes, by file, in the dialect of 4.0; a script of 4.0
    stays as it is, one that does not say its dialect is taken for one of 2.1."""
    old = configuration.read(path, read=reader(texts), protocol=BUILT_IN)
    if old.dialect == "4.0":
        if not dialect.is_guessed(old.script) or any(dialect.marks(old.script)):
            return dict(texts)
        old = configuration.read(path, read=reader({**texts, path: f"{texts[path]}\ndialect=2.1\n"}), protocol=BUILT_IN)
    sources = {file: Source(file, text) for file, text in texts.items()}
    accounting = Accounting(old)
    routes = Routes(old, modules_of_40(old), sources, accounting)
    routes.convert()
    Settings(old, sources, path, routes.needed).convert()
    accounting.parameters(sources)
    return {file: source.result() for file, source in sources.items()}


def modules_of_40(old: configuration.Configuration) -> Registry:
    """The modules of a script as 4.0 has them, and sipmsgops, which has taken functions over."""
    registry = registry_with_core("4.0", old.registry.mpath)
    for each in [*old.script.of(tree.LoadModule), None]:
        try:
            registry.add(each.name if each is not None else "sipmsgops.so")
        except ConfigError:
            continue  # it is missing in either dialect
    return registry


def reader(texts: Mapping[str, str]) -> Callable[[str], str]:
    """What reads files out of *texts* alone."""
    def read(path: str) -> str:
        if path not in texts:
            raise FileNotFoundError(2, "No such file or directory", path)
        return texts[path]
    return read
