"""The directory that holds what outlives the server, one per installation, one server at a time."""
from __future__ import annotations

import fcntl
import hashlib
import os
import pathlib

from opensips_py.errors import ConfigError

SYSTEM = "/var/lib/opensips-py"


def location(config: str, first_listener: str, environ: dict[str, str] | None = None) -> str:
    """Where the state of the server with this *config* and *first_listener* lives."""
    values = dict(os.environ) if environ is None else environ
    if values.get("OPENSIPS_PY_STATE_DIR"):
        return values["OPENSIPS_PY_STATE_DIR"]
    name = hashlib.sha256(f"{os.path.realpath(config)}\n{first_listener}".encode()).hexdigest()[:16]
    if os.geteuid() == 0:
        return f"{SYSTEM}/{name}"
    home = values.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(home, "opensips-py", name)


def prepare(path: str, uid: int, gid: int) -> int:
    """Create *path* for the user the server will run as, and lock it; returns the descriptor that holds the lock."""
    directory = pathlib.Path(path)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        hand_over(directory, uid, gid)
        fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        hand_over(directory / "lock", uid, gid)
    except OSError as error:
        raise ConfigError(f"the state directory {path} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise ConfigError(f"another server is running with the state directory {path}") from None
    return fd


def hand_over(path: pathlib.Path, uid: int, gid: int) -> None:
    """Give *path*, and what a run as another user left in it, to the user the server will run as."""
    if os.geteuid() != 0:
        return
    for each in [path, *path.iterdir()] if path.is_dir() else [path]:
        if (each.stat().st_uid, each.stat().st_gid) != (uid, gid):
            os.chown(each, uid, gid)
