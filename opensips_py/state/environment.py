"""LMDB: state that all workers of a machine share and that outlives them."""
from __future__ import annotations

import fcntl
import os
import pathlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import lmdb

from opensips_py.state.commits import Commits
from opensips_py.state.turns import Turn

if TYPE_CHECKING:
    from opensips_py.transport import LoopEnd

T = TypeVar("T")
Transaction = Any  # lmdb.Transaction
Database = Any  # a named database in an environment

SMALLEST = 64 << 20
STEP = 1 << 30  # a map doubles until it has this size, then grows by it
READERS = 512
LOCKS = (READERS + 2) * 64  # bytes of the file beside, of which each reader has 64
LONGEST_KEY = 511


class Environment:
    """One memory-mapped file of databases.

    Writing goes through *submit*, which collects; reading goes straight to the map. The file is allocated in full
    before it is mapped for writing: the first write to a hole in it would kill the process on a full disk.
    """

    def __init__(self, path: str | os.PathLike[str], writing: Callable[[bool], object] | None = None,
                 smallest: int = SMALLEST, databases: int = 32) -> None:
        self.path = pathlib.Path(path)
        self.writing = writing  # told before and after each write transaction: the supervisor wants to know
        self._databases: dict[str, Database] = {}
        with self._sizing():
            # Before LMDB has it open: to close another descriptor of it would give up LMDB's locks.
            self._allocate(pathlib.Path(f"{self.path}-lock"), LOCKS)
            size = max(smallest, self.path.stat().st_size if self.path.exists() else 0)
            # A smaller map than the file would cut the file off under the other processes.
            self._env = lmdb.open(str(self.path), map_size=size, subdir=False, max_dbs=databases, sync=False,
                                  metasync=False, writemap=True, readahead=False, max_readers=READERS,
                                  max_spare_txns=4, mode=0o600)
            self._allocate(self.path, size)
        self._size = size  # of the map here; that of the file may have grown since
        self.commits = Commits(self.apply)
        self._turn: Turn | None = None
        self.reader_check()

    def write_alone(self, loop_end: LoopEnd) -> None:
        """No other process writes here: what is enlisted is committed once in a turn of the event loop."""
        self._turn = Turn(self, loop_end)

    def settle(self) -> None:
        """Commit what is enlisted."""
        if self._turn is not None:
            self._turn.commit()

    @property
    def size(self) -> int:
        """How large the map is, in bytes."""
        return self._size

    def database(self, name: str) -> Database:
        """The database called *name*, made if there is none; ask while no transaction is open."""
        self.settle()
        if name not in self._databases:
            self._databases[name] = self._adopting(lambda: self._env.open_db(name.encode()))
        return self._databases[name]

    def names(self) -> list[str]:
        """The names of all databases in the file."""
        with self.reading() as transaction:
            return [key.decode() for key in transaction.cursor().iternext(values=False)]

    @contextmanager
    def reading(self, database: Database = None) -> Iterator[Transaction]:
        """A read transaction: short, and without a greenlet switch inside."""
        self.settle()
        transaction = self._adopting(lambda: self._env.begin(db=database))
        try:
            yield transaction
        finally:
            transaction.abort()

    def get(self, key: bytes, database: Database) -> bytes | None:
        """The value of *key* as last committed or enlisted."""
        turn = self._turn
        if turn is not None and turn.is_open:
            written: bytes | None = turn.get(key, database)
            return written
        try:
            with self._env.begin(db=database) as transaction:
                value: bytes | None = transaction.get(key)
                return value
        except lmdb.MapResizedError:
            with self.reading(database) as transaction:
                value = transaction.get(key)
                return value

    def entries(self, database: Database) -> int:
        """How many keys *database* has."""
        with self.reading() as transaction:
            return int(transaction.stat(database)["entries"])

    def pages(self) -> tuple[int, int, int]:
        """The size of a page in bytes, the pages that databases take, and those that were ever taken, free ones among
        them."""
        with self.reading() as transaction:
            known = [self._env.stat(), *(transaction.stat(each) for each in self._databases.values())]
        taken = sum(each["branch_pages"] + each["leaf_pages"] + each["overflow_pages"] for each in known)
        return int(known[0]["psize"]), taken, int(self._env.info()["last_pgno"]) + 1

    def enlist(self, operation: Callable[[Transaction], T]) -> T:
        """Carry out *operation*, and commit it before anything that is sent from now on leaves; its result, or the
        exception that it raised."""
        turn = self._turn
        if turn is None:
            return self.submit(operation)
        return turn.carry_out(operation)  # type: ignore[no-any-return]

    def begin(self) -> Transaction:
        """A write transaction for what is enlisted."""
        if self.commits.waiting:
            self.commits.flush()
        return self._adopting(lambda: self._env.begin(write=True))

    def end(self, transaction: Transaction) -> bool:
        """Commit *transaction*; False where the map has no room for that, and then nothing was written."""
        if self.writing is not None:
            self.writing(True)
        try:
            transaction.commit()
        except lmdb.Error:
            return False
        finally:
            if self.writing is not None:
                self.writing(False)
        return True

    def submit(self, operation: Callable[[Transaction], T]) -> T:
        """Carry out *operation* and commit it, with all that is posted; its result, or the exception that it raised."""
        self.settle()
        if not self.commits.waiting:
            writing = self.writing
            if writing is not None:
                writing(True)
            try:
                with self._env.begin(write=True) as transaction:
                    return operation(transaction)
            except (lmdb.MapFullError, lmdb.MapResizedError):
                pass  # rare: the long way knows what to do
            finally:
                if writing is not None:
                    writing(False)
        return self.commits.submit(operation)

    def apply(self, operations: list[Callable[[Transaction], Any]]) -> list[Any]:
        """Carry out *operations* in one write transaction; an exception among the results is that operation's own.

        An operation may run more than once (the map was full, a neighbour failed): it touches nothing but the map.
        """
        self.settle()
        results: list[Any] = [None] * len(operations)
        left = list(range(len(operations)))
        while left:
            failed = self._attempt(operations, left, results)
            if failed is None:
                break
            left.remove(failed)
        return results

    def run(self, operation: Callable[[Transaction], T]) -> T:
        """Carry out one operation at once, in a write transaction of its own."""
        result: T | BaseException = self.apply([operation])[0]
        if isinstance(result, BaseException):
            raise result
        return result

    def reader_check(self) -> int:
        """Free what readers that were killed still hold; how many there were."""
        return int(self._env.reader_check())

    def close(self) -> None:
        """Unmap the file."""
        self.settle()
        self._databases.clear()
        self._env.close()

    def _attempt(self, operations: list[Callable[[Transaction], Any]], left: list[int],
                 results: list[Any]) -> int | None:
        """Run those *left* in one transaction; the one that failed, if any did, and then nothing was written."""
        while True:
            if self.writing is not None:
                self.writing(True)
            try:
                with self._env.begin(write=True) as transaction:
                    for index in left:
                        try:
                            results[index] = operations[index](transaction)
                        except lmdb.MapFullError:
                            raise
                        except Exception as error:
                            results[index] = error
                            transaction.abort()
                            return index
                return None
            except lmdb.MapResizedError:
                self._adopt()
            except lmdb.MapFullError:
                self._grow(self._size)
            finally:
                if self.writing is not None:
                    self.writing(False)

    def _adopting(self, attempt: Callable[[], T]) -> T:
        try:
            return attempt()
        except lmdb.MapResizedError:
            self._adopt()
            return attempt()

    def _adopt(self) -> None:
        """Another process let the map grow: follow it."""
        with self._sizing():
            self._size = self.path.stat().st_size
            self._env.set_mapsize(self._size)

    def _grow(self, full: int) -> None:
        """Let the map grow beyond *full*, unless another process has done so."""
        with self._sizing():
            size = max(self.path.stat().st_size, full)
            if size <= full:
                size = full * 2 if full < STEP else full + STEP
                self._allocate(self.path, size)
            self._size = size
            self._env.set_mapsize(size)

    def _allocate(self, path: pathlib.Path, size: int) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, size)
        finally:
            os.close(fd)

    @contextmanager
    def _sizing(self) -> Iterator[None]:
        """Only one process at a time opens the file or changes its size."""
        fd = os.open(f"{self.path}-size", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)
