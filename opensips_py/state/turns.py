"""Writing that is committed once in a turn of the event loop, before anything leaves."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opensips_py.state.environment import Environment
    from opensips_py.transport import LoopEnd

log = logging.getLogger(__name__)

Operation = Callable[[Any], Any]


class Turn:
    """The write transaction of one turn of the event loop, for all that this process registers in it.

    To begin and to end a transaction costs more than a registration itself does. It stays open while routes run: only
    for a process that writes alone, as others would wait for it. Whatever else happens in the environment ends it
    first; so does the end of the turn, before the answers leave.
    """

    def __init__(self, environment: Environment, loop_end: LoopEnd) -> None:
        self._environment, self._loop_end = environment, loop_end
        self._transaction: Any = None
        self._done: list[Operation] = []  # may have to be done again: they touch nothing but the map
        loop_end.precede(self.commit)

    def carry_out(self, operation: Operation) -> Any:
        """The result of *operation*, which is committed before the loop waits again; or the exception it raised."""
        if self._transaction is None:
            self._transaction = self._environment.begin()
            self._loop_end.add(self)  # a turn that sends nothing ends as well
        try:
            result = operation(self._transaction)
        except Exception:
            return self._anew(operation)
        self._done.append(operation)
        return result

    def get(self, key: bytes, database: Any) -> Any:
        """The value of *key*, what was written in this turn included; a transaction must be open."""
        return self._transaction.get(key, None, database)

    @property
    def is_open(self) -> bool:
        """Whether there is anything to commit."""
        return self._transaction is not None

    def commit(self) -> None:
        """Commit what this turn has written."""
        if self._transaction is None:
            return
        transaction, done = self._transaction, self._done
        self._transaction, self._done = None, []
        if not self._environment.end(transaction):
            for result in self._environment.apply(done):
                if isinstance(result, BaseException):
                    log.error("a registration could not be written: %r", result)

    def flush(self) -> None:
        """The loop is about to wait."""
        self.commit()

    def _anew(self, operation: Operation) -> Any:
        """The map was full, or *operation* failed halfway: do all again without this transaction."""
        transaction, done = self._transaction, self._done
        self._transaction, self._done = None, []
        transaction.abort()
        results = self._environment.apply([*done, operation])
        if isinstance(results[-1], BaseException):
            raise results[-1]
        return results[-1]
