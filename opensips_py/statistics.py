"""Statistics: counters and gauges that all workers count together, and functions that are asked when somebody reads."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Literal

from opensips_py.state._words import Counter, Words
from opensips_py.state.names import SharedNames

__all__ = ["Counter", "Function", "Kind", "Statistic", "Statistics"]

# A level goes up and down as a gauge does, but what it counts does not die with a process, and nobody resets it.
Kind = Literal["counter", "gauge", "level", "function"]
CAPACITY = 4096  # names; a page of memory is used only where somebody counts


class Function:
    """A number that is worked out when somebody reads it."""

    __slots__ = ("begin_again", "function", "group", "help", "kind", "name", "shared")

    def __init__(self, group: str, name: str, function: Callable[[], int], help: str = "",
                 shared: bool = False, begin_again: Callable[[], object] | None = None) -> None:
        self.group, self.name, self.function, self.help = group, name, function, help
        self.kind = "function"
        self.shared = shared  # every process works out the same number: not to be added up
        self.begin_again = begin_again  # where it is worked out of something that can be set back

    @property
    def value(self) -> int:
        """The number, now."""
        return int(self.function())

    def reset(self) -> None:
        """Set back what the number is worked out of, if that is possible."""
        if self.begin_again is not None:
            self.begin_again()


Statistic = Counter | Function


class Statistics:
    """All statistics of this process.

    *fd* is memory that create() made and all processes share; without it the process counts for itself. *index* says
    which slab is this process's own. A replacement of a process that died takes its slab over: counters go on,
    gauges begin at zero, for what they counted died as well.
    """

    def __init__(self, fd: int | None = None, index: int = 0, processes: int = 1) -> None:
        own = self.create(processes) if fd is None else fd
        try:
            directory = SharedNames.size(CAPACITY)
            self._names = SharedNames(Words(own, 0, directory), CAPACITY)
            self._words = Words(own, directory * 8, CAPACITY * processes)
        finally:
            if fd is None:
                os.close(own)
        self.index = index % processes  # -1, the management process, has the last slab
        self.processes = processes
        self._groups: dict[str, dict[str, Statistic]] = {}

    @staticmethod
    def create(processes: int) -> int:
        """A descriptor of memory for the statistics of *processes* processes."""
        fd = os.memfd_create("statistics")
        os.ftruncate(fd, (SharedNames.size(CAPACITY) + CAPACITY * processes) * 8)
        return fd

    def register(self, group: str, name: str, kind: Kind = "counter", function: Callable[[], int] | None = None,
                 help: str = "", shared: bool = False, begin_again: Callable[[], object] | None = None) -> Statistic:
        """The statistic *group*:*name*; one that exists already stays as it is, except that a function is renewed."""
        members = self._groups.setdefault(group, {})
        if function is not None:
            members[name] = Function(group, name, function, help, shared, begin_again)
        elif name not in members:
            members[name] = self._counter(group, name, kind, help)
        return members[name]

    def counter(self, group: str, name: str, help: str = "") -> Counter:
        """The counter *group*:*name*."""
        return self._number(group, name, "counter", help)

    def gauge(self, group: str, name: str, help: str = "") -> Counter:
        """The gauge *group*:*name*."""
        return self._number(group, name, "gauge", help)

    @property
    def shared_total(self) -> int:
        """How many numbers the processes have in all: where it has grown, there are new names."""
        return len(self._names)

    def shared_names(self, group: str) -> list[str]:
        """The names in *group* of all numbers that any process has ever counted, in the order of their coming."""
        return [name[len(group) + 1:] for name in self._names.names() if name.startswith(f"{group}:")]

    def get(self, name: str) -> Statistic | None:
        """The statistic called *name*, or group:name."""
        group, colon, last = name.partition(":")
        if colon:  # either half may hold further ones: udp:192.0.2.9:5060-load is of the group load
            longer, _, short = name.rpartition(":")
            return self._groups.get(group, {}).get(last) or self._groups.get(longer, {}).get(short)
        return next((members[name] for members in self._groups.values() if name in members), None)

    def groups(self) -> list[str]:
        """The names of all groups, in order of registration."""
        return list(self._groups)

    def of_group(self, group: str) -> list[Statistic]:
        """The statistics of *group*, in order of registration."""
        return list(self._groups.get(group, {}).values())

    def select(self, name: str) -> list[Statistic]:
        """What a management command means by *name*: 'all', a group as 'group:', one statistic."""
        if name == "all":
            return list(self)
        if name.endswith(":"):
            return self.of_group(name[:-1])
        found = self.get(name)
        return [] if found is None else [found]

    def forget(self, group: str, name: str) -> None:
        """Take *group*:*name* out of the list; its number stays where it is in case it comes back."""
        members = self._groups.get(group, {})
        members.pop(name, None)
        if not members:
            self._groups.pop(group, None)

    def __iter__(self) -> Iterator[Statistic]:
        for members in self._groups.values():
            yield from members.values()

    def _number(self, group: str, name: str, kind: Kind, help: str) -> Counter:
        found = self.register(group, name, kind, help=help)
        if not isinstance(found, Counter):
            raise TypeError(f"{group}:{name} is worked out, nobody can count it")
        return found

    def _counter(self, group: str, name: str, kind: Kind, help: str) -> Counter:
        first = self._names.number(f"{group}:{name}")
        made = Counter(self._words, first, CAPACITY, self.processes, self.index, group, name, kind, help)
        if kind == "gauge":
            made.set(0)
        return made
