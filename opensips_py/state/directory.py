"""The state directory: the secrets of this installation, and whether what lies there may still be trusted."""
from __future__ import annotations

import json
import os
import pathlib
import time
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from secrets import token_bytes

BOOT_ID = "/proc/sys/kernel/random/boot_id"
SUFFIX = ".mdb"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What hashes, branches and nonces of this installation depend on."""

    multiplier: int  # of the hash that gives a Call-ID its slot
    start: int
    key: bytes  # sixteen bytes: identifiers
    nonce: bytes  # thirty-two bytes: digest nonces

    @classmethod
    def new(cls) -> Secrets:
        """Secrets that nobody has had before."""
        return cls(int.from_bytes(token_bytes(4), "little") | 1, int.from_bytes(token_bytes(4), "little"),
                   token_bytes(16), token_bytes(32))

    def dump(self) -> bytes:
        """As the file `keys` holds them."""
        return json.dumps({"multiplier": self.multiplier, "start": self.start, "key": b64encode(self.key).decode(),
                           "nonce": b64encode(self.nonce).decode()}).encode()

    @classmethod
    def load(cls, text: bytes) -> Secrets:
        """Read what dump() wrote."""
        data = json.loads(text)
        return cls(data["multiplier"], data["start"], b64decode(data["key"]), b64decode(data["nonce"]))


@dataclass(frozen=True, slots=True)
class Use:
    """A use of the state directory: in which boot of the machine, whether it has ended cleanly, and what the clock of
    the machine showed beyond one that nobody sets at the first use in that boot."""

    boot: str
    clean: bool
    offset: float


def secrets(path: str | os.PathLike[str]) -> Secrets:
    """The secrets in state directory *path*, made at the first call."""
    file = pathlib.Path(path) / "keys"
    if not file.exists():
        made = pathlib.Path(path) / f"keys.{os.getpid()}"
        made.unlink(missing_ok=True)
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(Secrets.new().dump())
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(made, file)  # unlike a rename, this never replaces the keys that another process has just made
        except FileExistsError:
            pass
        made.unlink()
    return Secrets.load(file.read_bytes())


def begin(path: str | os.PathLike[str], boot_id: str = "") -> str:
    """Mark the state in *path* as in use; returns what to say if it had to be thrown away, else an empty string.

    Commits are not synced: a killed process loses nothing, a machine that goes down may leave a torn file behind. So
    what another boot left without the mark of a clean stop is not used.
    """
    directory = pathlib.Path(path)
    now = boot_id or current_boot()
    before = last_use(directory)
    files = [file for file in directory.iterdir() if file.name.removesuffix("-lock").endswith(SUFFIX)]
    torn = before.boot != now and not before.clean
    if torn:
        for file in files:
            file.unlink()
    note(directory, Use(now, False, before.offset if before.boot == now else offset()))
    if torn and files:
        return f"the machine went down without a clean stop of this server: the state in {directory} starts empty"
    return ""


def end(path: str | os.PathLike[str], boot_id: str = "") -> None:
    """Bring the state in *path* to disk and leave the mark of a clean stop; every worker has ended by now."""
    directory = pathlib.Path(path)
    for file in directory.glob(f"*{SUFFIX}"):
        fd = os.open(file, os.O_RDWR)
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)
    before, now = last_use(directory), boot_id or current_boot()
    note(directory, Use(now, True, before.offset if before.boot == now else offset()))


def current_boot() -> str:
    """The kernel's name for the time since this machine was started."""
    try:
        return pathlib.Path(BOOT_ID).read_text().strip()
    except OSError:
        return "unknown"


def offset() -> float:
    """What the clock of the machine shows beyond one that nobody sets."""
    return time.time() - time.monotonic()


def last_use(directory: pathlib.Path) -> Use:
    """The last use of the directory."""
    try:
        data = json.loads((directory / "boot").read_bytes())
        return Use(str(data["boot"]), bool(data["clean"]), float(data.get("offset", offset())))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Use("", False, 0.0)


def note(directory: pathlib.Path, use: Use) -> None:
    """Write the mark, whole or not at all."""
    made = directory / "boot.new"
    with open(made, "w") as out:
        json.dump(asdict(use), out)
        out.flush()
        os.fsync(out.fileno())
    made.replace(directory / "boot")
