"""Who the server runs as: user, group, root directory."""
from __future__ import annotations

import grp
import os
import pathlib
import pwd
import sys
from dataclasses import dataclass

from opensips_py.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Identity:
    """A user and a group to run as."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str

    @property
    def is_ours(self) -> bool:
        """Whether this process has the identity already."""
        return (os.geteuid(), os.getegid()) == (self.uid, self.gid)


def identity(user: str, group: str) -> Identity:
    """The identity that *user* and *group* (names or numbers, '' = as we are) stand for."""
    try:
        entry = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user) if user else None
    except KeyError:
        if not user.isdigit():
            raise ConfigError(f"there is no user {user!r}") from None
        entry = None
    uid = entry.pw_uid if entry else int(user) if user else os.geteuid()
    gid = entry.pw_gid if entry else os.getegid()
    if group:
        try:
            gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
        except KeyError:
            raise ConfigError(f"there is no group {group!r}") from None
    groups = tuple(os.getgrouplist(entry.pw_name, gid)) if entry else (gid,)
    return Identity(uid, gid, groups, user or str(uid))


def drop(who: Identity) -> None:
    """Become *who*, for good."""
    if who.is_ours:
        return
    try:
        os.setgroups(who.groups)
        os.setresgid(who.gid, who.gid, who.gid)
        os.setresuid(who.uid, who.uid, who.uid)
    except PermissionError:
        raise ConfigError(f"only root can run the server as user {who.name}") from None


def change_root(directory: str) -> None:
    """Make *directory* the root of the file system."""
    try:
        os.chroot(directory)
        os.chdir("/")
    except OSError as error:
        raise ConfigError(f"the root directory cannot become {directory}: {error.strerror}") from None


def unreadable(who: Identity, config: str) -> str | None:
    """What *who* could not read but needs to; tried in a child, so that it does not change this process."""
    if who.is_ours:
        return first_unreadable(config)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            drop(who)
            answer = first_unreadable(config) or ""
        except ConfigError as error:
            answer = error.message
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        answer = file.read()
    os.waitpid(child, 0)
    return answer or None


def first_unreadable(config: str) -> str | None:
    """A line naming the first needed file that this process may not read."""
    package = pathlib.Path(__file__).resolve().parent.parent
    needed = [(pathlib.Path(sys.executable), os.X_OK, "the Python interpreter"),
              (package / "__init__.py", os.R_OK, "the installation"),
              (pathlib.Path(config), os.R_OK, "the configuration")]
    for path, mode, what in needed:
        try:
            path.stat()
        except FileNotFoundError:
            return f"{what} {path} does not exist"
        except OSError:
            return f"{what} {path} cannot be read by this user"
        if not os.access(path, mode):
            return f"{what} {path} cannot be read by this user"
    return None
