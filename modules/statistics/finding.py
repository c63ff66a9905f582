"""How a script's name for a statistic is understood, and the statistics that scripts make."""
from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from opensips_py.module import ConfigError, param_setter
from opensips_py.module.declare import Dialect
from opensips_py.modules.statistics.series import Book, Profile, Series
from opensips_py.statistics import Counter, Kind, Statistic

if TYPE_CHECKING:
    from opensips_py.module.services import Services

SCRIPT, DYNAMIC = "script", "dynamic"  # groups of those that name none: that parameters name, that the script makes
HELP = "A statistic of the script."
OF_CORE = ("core", "net", "shmem", "load", "pkmem", "dns", "timestamp")  # groups that come before it


class Finding:
    """The parameters, and the way from a name to a number."""

    services: Services
    dialect: Dialect
    log: logging.Logger
    variables: list[str]
    declared_groups: dict[str, None]
    profiles: dict[str, Profile]

    @param_setter()
    def variable(self, value: str) -> None:
        """A statistic to have from the start; name/no_reset makes one that nobody resets. May be given many times."""
        name, _, flag = value.partition("/")
        if not name.strip() or flag not in ("", "no_reset"):
            raise ConfigError(f'"{value}" is not of the form name or name/no_reset')
        self.variables.append(value)

    @param_setter()
    def stat_groups(self, value: str) -> None:
        """Groups that the script may put statistics into, with commas between them; may be given many times."""
        names = [each.strip() for each in value.split(",")]
        if not all(names) or any(":" in each for each in names):
            raise ConfigError(f'"{value}" is no list of names of groups')
        self.declared_groups.update(dict.fromkeys(names))

    @param_setter()
    def stat_series_profile(self, value: str) -> None:
        """How a series is counted: name: algorithm=accumulate|average|percentage window=seconds slots=number
        group=name percentage_factor=number hash_size=number. May be given many times."""
        profile = Profile.parse(value)
        self.profiles[profile.name] = profile

    def check_variables(self) -> None:
        """Refuse statistics in groups that there are not."""
        for text in self.variables:
            group, name = self.parted(text.partition("/")[0].strip(), ())
            if not name or group not in ("", *self.own_groups()):
                raise ConfigError(f"statistic {text} is in a group that stat_groups does not name",
                                  parameter="variable")

    def own_groups(self) -> list[str]:
        """The groups that scripts may put statistics into."""
        return [SCRIPT, DYNAMIC, *self.declared_groups]

    def begin(self) -> None:
        """Make the statistics that parameters name, and find those that other workers have made meanwhile."""
        self.known: dict[tuple[str, bool], Statistic] = {}
        self.counted: dict[tuple[str, str], Series] = {}
        self.seen = -1, -1
        for text in self.variables:
            name, _, flag = text.partition("/")
            group, last = self.parted(name.strip(), ())
            self.made(group or self.ungrouped(last), last, "level" if flag else "counter")
        if self.profiles:
            words = self.services.shared_words("statistics series", Book.size())
            self.book = Book(words, max(self.services.index, 0), self.services.workers, time.monotonic)
        self.look_round()

    def ungrouped(self, name: str) -> str:
        """The group of a statistic that a parameter names without one; what a script has made before goes on."""
        return DYNAMIC if any(each.name == name for each in self.services.statistics.of_group(DYNAMIC)) else SCRIPT

    def made(self, group: str, name: str, kind: Kind = "counter") -> Statistic:
        """A statistic of the script; it stays what it is where there is one already."""
        return self.services.statistics.register(group, name, kind, help=HELP)  # type: ignore[no-any-return]

    def look_round(self) -> None:
        """List what any worker has counted in the groups of scripts, if there is anything new."""
        total = self.services.statistics.shared_total
        memory = self.book.records.used if self.profiles else 0
        if self.seen == (total, memory):
            return
        self.seen = total, memory
        for group in self.own_groups():
            for name in self.services.statistics.shared_names(group):
                self.made(group, name)
        for profile in self.profiles.values():
            for name in self.book.names(profile):
                self.series(profile, name)

    def parted(self, name: str, groups: Iterable[str] | None = None) -> tuple[str, str]:
        """Group and name of what a script calls *name*; no group where it names none, in 2.1 none that there is."""
        group, colon, last = name.partition(":")
        if not colon:
            return "", name
        if self.dialect == "2.1" and group not in self.own_groups():
            known = self.services.statistics.groups() if groups is None else groups
            return (group, last) if group in known else ("", name)
        return group, last

    def find(self, name: str, anywhere: bool = True) -> Statistic | None:
        """The statistic that a script calls *name*, whichever worker made it: of its group, else of the core, else of
        the script, else, if it may be *anywhere*, of a module."""
        known = self.known.get((name, anywhere))
        if known is not None:
            return known
        found = self.listed(name, anywhere)
        if found is None:
            self.look_round()
            found = self.listed(name, anywhere)
        if found is not None and found.kind != "function":  # one that is worked out is renewed by reloads
            self.known[name, anywhere] = found
        return found

    def listed(self, name: str, anywhere: bool) -> Statistic | None:
        """The same, among those that this worker knows."""
        statistics = self.services.statistics
        group, last = self.parted(name)
        for each in (group,) if group else (*OF_CORE, SCRIPT, DYNAMIC):
            for one in statistics.of_group(each):
                if one.name == last:
                    return one  # type: ignore[no-any-return]
        if group or not anywhere:
            return None
        return next((one for one in statistics if one.name == last), None)

    def countable(self, name: str) -> Counter | None:
        """The statistic *name* to count; it is made where there is none. None where that cannot be."""
        found = self.find(name, anywhere=self.dialect == "2.1")
        if found is None:
            group, last = self.parted(name)
            group = group or DYNAMIC
            if group not in self.own_groups() or not last:
                self.log.error("there is no statistic %s, and no group of scripts for it", name)
                return None
            found = self.made(group, last)
        if found.kind == "function":
            self.log.error("statistic %s is worked out, nobody can count it", name)
            return None
        return cast(Counter, found)

    def series(self, profile: Profile, name: str) -> Series:
        """The series *name* of *profile*, listed among the statistics."""
        found = self.counted.get((profile.name, name))
        if found is None:
            made = found = self.counted[profile.name, name] = self.book.series(profile, name)
            self.services.statistics.register(profile.group, name, "function", lambda: made.value,
                                              "A series of the script.", shared=True, begin_again=made.reset)
        return found
