"""Who may call whom, and who may register what, by rules in files; and which group a host is in, by a table."""
from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import ConfigError, MIError, Module, Route, Run, mi, param, script
from opensips_py.module.declare import Dialect
from opensips_py.module.kinds import Format, Text
from opensips_py.modules.permissions.addressing import Addressing
from opensips_py.modules.permissions.partitions import Partition
from opensips_py.modules.permissions.rules import Pair, Rules, read
from opensips_py.modules.permissions.uris import plain, plain_text

if TYPE_CHECKING:
    from opensips_py.sip import Request

OLD_ROUTES = Route.REQUEST | Route.FAILURE | Route.LOCAL
ANYWHERE = (Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.LOCAL | Route.STARTUP | Route.TIMER | Route.EVENT)
FORBIDDEN = 403
NOT_FOUND, BAD = 404, 400
Name = str | Format


class FileName(Text):
    """The name of a file, or what several of them begin with; those that the script names are read at the start."""

    script = True

    def compile(self, value: str, language: Any) -> Name:
        """Note that the script names a file."""
        if "$" in value:
            return language.format(value)  # type: ignore[no-any-return]
        language.registry.modules["permissions"].named.setdefault(value)
        return value


File = Annotated[Name, FileName()]


class Permissions(Addressing, Module, name="permissions"):
    """Check pairs of URIs against two files of rules. A request is allowed where all of its pairs match a rule of the
    first file; else it is denied where one of them matches a rule of the second; else it is allowed. A file that does
    not exist has no rules. Files are read when the configuration is, so a reload brings changes; one that has a mistake
    keeps the server from starting.

    A rule is a line `LIST [EXCEPT LIST] : LIST [EXCEPT LIST]`: a list holds regular expressions (POSIX extended,
    without regard to case) in double quotes with commas between them, or ALL. The left side is for the first URI of a
    pair, the right side for the second. They are seen as sip:user@host, whatever else is in them.

    A table of addresses is read with the configuration and kept in memory, in as many partitions as there are; a
    database that is gone leaves what was read last."""

    default_allow_file: str = param("permissions.allow", "File of what is allowed, where a function names none. Files "
                                    "without a folder are in that of the configuration.")
    default_deny_file: str = param("permissions.deny", "File of what is denied, where a function names none.")
    check_all_branches: bool = param(1, "Whether allow_routing() looks at all branches, or at the Request-URI alone.")
    allow_suffix: str = param(".allow", "What the names of files that allow end with, where functions leave it out.")
    deny_suffix: str = param(".deny", "What the names of files that deny end with.")

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.partitions: dict[str, Partition] = {}
        self.named: dict[str, None] = {}  # files, and what files begin with, by which the script asks
        self.tables: dict[str, Rules] = {}
        self.unusable: dict[str, str] = {}  # files that have the name of something that is none, and why

    def load(self) -> None:
        """Read the files that the script names, and find the drivers of the tables."""
        self.find_drivers()
        suffixed = [name + suffix for name in self.named for suffix in (self.allow_suffix, self.deny_suffix)]
        for name in (self.default_allow_file, self.default_deny_file, *suffixed):
            path = self.path(name)
            try:
                self.tables[path] = read(path)
            except (OSError, ValueError) as error:
                raise ConfigError(f"{path}: {error}", self.name) from None
        for name in self.named if self.dialect == "2.1" else ():
            self.try_to_read(self.path(name))

    def try_to_read(self, path: str) -> None:
        """Read what may be a file, or only what the names of others begin with."""
        try:
            self.tables.setdefault(path, read(path))
        except (OSError, ValueError) as error:
            self.unusable[path] = f"{path}: {error}"

    @script(OLD_ROUTES, name="allow_routing", dialect="2.1")
    def allow_routing_21(self, run: Run, basename: File | None = None, deny_file: File | None = None) -> bool:
        """Whether the request may go from the URI in From to its Request-URI and its branches, by the default files, by
        those whose names begin with *basename*, or by two files."""
        return self.allows(run, self.pair_of(run, basename, deny_file), self.routing)

    @script(OLD_ROUTES, dialect="4.0")
    def allow_routing(self, run: Run, basename: File | None = None) -> bool:
        """Whether the request may go from the URI in From to its Request-URI and its branches, by the default files or
        by those whose names begin with *basename*."""
        return self.allows(run, self.pair_of(run, basename), self.routing)

    @script(OLD_ROUTES, name="allow_register", dialect="2.1")
    def allow_register_21(self, run: Run, basename: File, deny_file: File | None = None) -> bool:
        """Whether the URI in To may have the Contacts of the request, by the files whose names begin with *basename*,
        or by two files."""
        return self.allows(run, self.pair_of(run, basename, deny_file), self.registering)

    @script(OLD_ROUTES, dialect="4.0")
    def allow_register(self, run: Run, basename: File) -> bool:
        """Whether the URI in To may have the Contacts of the request, by the files that begin with *basename*."""
        return self.allows(run, self.pair_of(run, basename), self.registering)

    @script(ANYWHERE)
    def allow_uri(self, run: Run, basename: File, uri: str) -> bool:
        """Whether the URI in From may reach *uri*, by the files whose names begin with *basename*."""
        return self.allows(run, self.pair_of(run, basename), lambda request: self.single(request, uri))

    @mi("allow_uri", v40="permissions:allow_uri")
    def mi_allow_uri(self, basename: str, uri: str, contact: str) -> None:
        """Whether *uri* may have *contact*, by the files that begin with *basename*: OK, or the error 403. They have to
        be among those that the script names."""
        paths = self.path(basename + self.allow_suffix), self.path(basename + self.deny_suffix)
        if not all(path in self.tables for path in paths):
            raise MIError(NOT_FOUND, f"the script names no files {basename}")
        pair = plain_text(uri), plain_text(contact)
        if pair[0] is None or pair[1] is None:
            raise MIError(BAD, "uri and contact are SIP URIs")
        allowed, denied = (self.tables[path] for path in paths)
        if not self.judged([(pair[0], pair[1])], allowed, denied):
            raise MIError(FORBIDDEN, "Forbidden")

    # Pairs

    def routing(self, request: Request) -> Iterator[Pair]:
        """From, and each place that the request goes to."""
        sender = plain(request.from_.parsed_uri)
        yield sender, plain(request.parsed_uri)
        for branch in (request.branches or ()) if self.check_all_branches else ():
            yield from self.to(sender, branch.uri)

    def registering(self, request: Request) -> Iterator[Pair]:
        """To, and each Contact; none where all are to go."""
        owner = plain(request.to.parsed_uri)
        for contact in request.contacts:
            if contact.uri != "*":
                yield owner, plain(contact.parsed_uri)

    def single(self, request: Request, uri: str) -> Iterator[Pair]:
        """From, and a URI that the script has."""
        yield from self.to(plain(request.from_.parsed_uri), uri)

    def to(self, sender: str, uri: str) -> Iterator[Pair]:
        """One pair; MalformedMessage where *uri* is none."""
        found = plain_text(uri)
        if found is None:
            raise MalformedMessage(f"{uri!r} is no URI")
        yield sender, found

    # Files

    def pair_of(self, run: Run, basename: Name | None, deny_file: Name | None = None) -> tuple[str, str]:
        """The paths of the files that allow and deny."""
        if basename is None:
            return self.path(self.default_allow_file), self.path(self.default_deny_file)
        name = self.text(run, basename)
        if deny_file is not None:
            return self.path(name), self.path(self.text(run, deny_file))
        return self.path(name + self.allow_suffix), self.path(name + self.deny_suffix)

    def text(self, run: Run, name: Name) -> str:
        """A name that may have variables in it."""
        return name if isinstance(name, str) else name(run) or ""

    def path(self, name: str) -> str:
        """Where the file *name* is."""
        return os.path.join(self.registry.folder, name)

    def rules(self, path: str) -> Rules:
        """The rules of a file; of one that the script does not name in plain words, those that it has now."""
        found = self.tables.get(path)
        if found is None:
            if path in self.unusable:
                raise ValueError(self.unusable[path])
            if os.path.dirname(path) != self.registry.folder.rstrip("/"):
                raise ValueError(f"{path}: what variables name is in the folder of the configuration")
            if not os.path.exists(path):
                return Rules()
            found = self.tables[path] = read(path)  # so many as the folder has
        return found

    def allows(self, run: Run, paths: tuple[str, str], pairs: Any) -> bool:
        """Whether the rules in two files allow what *pairs* makes of the request; what cannot be told is denied."""
        try:
            allowed, denied = self.rules(paths[0]), self.rules(paths[1])
            if run.request is None:
                raise ValueError("there is no request here")
            return self.judged(pairs(run.request), allowed, denied)
        except (MalformedMessage, OSError, ValueError) as error:
            self.log.error("denied: %s", error)
            return False

    def judged(self, pairs: Iterable[Pair], allowed: Rules, denied: Rules) -> bool:
        """Whether all *pairs* are allowed, or none is denied."""
        known = list(pairs)
        return all(allowed.match(pair) for pair in known) or not any(denied.match(pair) for pair in known)
