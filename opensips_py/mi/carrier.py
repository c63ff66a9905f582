"""What the carriers of management commands share: one answer per request, owners of the files that they make."""
from __future__ import annotations

import contextlib
import grp
import os
import pwd
from collections.abc import Callable
from typing import Any

from opensips_py.errors import ConfigError
from opensips_py.mi import jsonrpc, text
from opensips_py.mi.requests import JsonRequest, Request


def respond(mi: Any, request: Request, indent: str = "\t", pretty: bool = False) -> str | None:
    """The answer to *request* in its own format; None where it asks for none."""
    if isinstance(request, JsonRequest):
        return jsonrpc.answer(request.body, mi.call, pretty)
    return text.answer(request, mi.call, mi.tree, indent)


def check_owner(module: str, user: tuple[str, int | str], group: tuple[str, int | str]) -> None:
    """Refuse a *user* or *group*, given as (parameter, value), that the machine does not know."""
    for what, (parameter, value), lookup in (("user", user, user_id), ("group", group, group_id)):
        try:
            lookup(value)
        except KeyError:
            raise ConfigError(f"there is no {what} {value!r}", module, parameter) from None


def has_folder(path: str) -> bool:
    """Whether *path* can be made: its folder is there, or the one above, in which it will be made."""
    folder = os.path.dirname(path) or "."
    return os.path.isdir(folder) or os.path.isdir(os.path.dirname(folder) or ".")


def make_folder(path: str) -> None:
    """Make the folder that *path* lies in, where only that is missing: /run is empty after a boot, and
    /run/opensips made by whoever starts the server, if at all."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.dirname(path) or ".", 0o755)


def hand_over(path: str, user: int | str, group: int | str) -> None:
    """Give the file at *path* to *user* and *group*; '' leaves it as it is."""
    numbers = user_id(user), group_id(group)
    if numbers != (-1, -1):
        os.chown(path, *numbers)


def user_id(value: int | str) -> int:
    """The number of a user; -1 for none."""
    return named_id(value, lambda name: pwd.getpwnam(name).pw_uid)


def group_id(value: int | str) -> int:
    """The number of a group; -1 for none."""
    return named_id(value, lambda name: grp.getgrnam(name).gr_gid)


def named_id(value: int | str, lookup: Callable[[str], int]) -> int:
    """The number that a number or name stands for; KeyError for an unknown name."""
    if value == "":
        return -1
    if isinstance(value, int) or value.isdigit():
        return int(value)
    return lookup(value)
