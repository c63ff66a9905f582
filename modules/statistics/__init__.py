"""Statistics that scripts define, count and read."""
from __future__ import annotations

from opensips_py.module import Module, Route, Run, Writable, pvar, script
from opensips_py.module.declare import Dialect
from opensips_py.modules.statistics.finding import Finding
from opensips_py.modules.statistics.series import Profile


class Statistics(Module, Finding, name="statistics"):
    """Let scripts have statistics of their own, shared by all workers, and read those of the core and of modules."""

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.variables: list[str] = []
        self.declared_groups: dict[str, None] = {}
        self.profiles: dict[str, Profile] = {}

    def load(self) -> None:
        """Check the parameters."""
        self.check_variables()

    def start(self) -> None:
        """Make or find what the script counts."""
        self.begin()

    @script(Route.ANY)
    def update_stat(self, variable: str, value: int) -> bool:
        """Add *value*, which may be negative, to the statistic *variable*; one that does not exist is made."""
        found = self.countable(variable)
        if found is None:
            return False
        found.add(value)
        return True

    @script(Route.ANY)
    def reset_stat(self, variable: str) -> bool:
        """Set the statistic *variable* back to 0, and make it where there is none; false where it may not be reset."""
        if self.find(variable) is None and self.countable(variable) is None:
            return False
        return self.reset(variable)

    @script(Route.ANY, dialect="4.0")
    def update_stat_series(self, profile: str, variable: str, value: int) -> bool:
        """Count *value* into the series *variable* of *profile*. With algorithm=percentage the series tells how much
        of all values the positive ones are."""
        if profile not in self.profiles:
            self.log.error("there is no stat_series_profile %s", profile)
            return False
        self.series(self.profiles[profile], variable).update(value)
        return True

    @script(Route.ANY, dialect="4.0")
    def stat_iter_init(self, run: Run, group: str, iter: str) -> bool:
        """Let the iterator *iter* begin with the first statistic of *group*; false where there is no such group."""
        self.look_round()
        members = self.services.statistics.of_group(group)
        run.extra = {**(run.extra or {}), (Statistics, iter): list(reversed(members))}
        return bool(members) or group in self.own_groups()

    @script(Route.ANY, dialect="4.0")
    def stat_iter_next(self, run: Run, name: Writable, val: Writable, iter: str) -> bool:
        """Take the next statistic of the iterator *iter* and assign its name and value; false behind the last one."""
        members = (run.extra or {}).get((Statistics, iter))
        if not members:
            return False
        found = members.pop()
        name.set(found.name)
        val.set(found.value)
        return True

    @pvar("stat")
    def stat(self, run: Run, name: str) -> int | None:
        """The value of a statistic, name or group:name; NULL where there is none. Assigning 0 resets it."""
        found = self.find(name)
        return None if found is None else found.value

    @stat.setter
    def set_stat(self, run: Run, name: str, value: int) -> None:
        if value != 0:
            raise ValueError(f"$stat({name}) can be set back to 0, and to nothing else")
        self.reset(name)

    def reset(self, name: str) -> bool:
        """Set a counter or series back to 0."""
        found = self.find(name)
        if found is None:
            self.log.error("there is no statistic %s", name)
            return False
        series = next((each for (profile, last), each in self.counted.items() if last == found.name
                       and self.profiles[profile].group == found.group), None)
        if series is not None:
            series.reset()
        elif found.kind == "counter":
            found.reset()
        return series is not None or found.kind == "counter"
