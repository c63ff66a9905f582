"""What there is and what there is not: per module, kind and dialect."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from opensips_py.module.declare import Dialect
from tests.surface import upstream
from tests.surface.declared import Name

Record = dict[str, list[str]]  # key -> tests


@dataclass
class Count:
    """The names of one kind in one module and dialect."""

    upstream: set[str]
    implemented: set[str] = field(default_factory=set)
    exercised: set[str] = field(default_factory=set)

    @property
    def lacking(self) -> set[str]:
        """What OpenSIPS has and we do not."""
        return self.upstream - self.implemented

    def __str__(self) -> str:
        return f"{len(self.implemented)}/{len(self.exercised)}/{len(self.upstream)}" if self.upstream else "-"


Counts = dict[str, dict[str, Count]]  # module -> kind


def counted(names: Iterable[Name], record: Record, dialect: Dialect) -> Counts:
    """The counts of all modules that OpenSIPS has in *dialect*."""
    counts = {module: {kind: Count(known) for kind, known in kinds.items()}
              for module, kinds in upstream.names(dialect).items()}
    for each in names:
        name = each.of(dialect)
        count = counts.get(each.module, {}).get(each.kind)
        if name is None or count is None or name not in count.upstream:
            continue
        count.implemented.add(name)
        if all(record.get(key) for key in each.keys):
            count.exercised.add(name)
    return counts


def made_at_run_time(record: Record) -> list[Name]:
    """Names that are put together at run time; no declaration has them, only what ran."""
    found = []
    for key in record:
        module, kind, name = key.split("/", 2)
        if name.startswith("<"):
            found.append(Name(module, kind, name, name, (key,), name))
    return found


def beyond(names: Iterable[Name]) -> list[Name]:
    """What we declare and OpenSIPS has in neither dialect."""
    return [each for each in names if not any(
        each.of(dialect) in upstream.names(dialect).get(each.module, {}).get(each.kind, ())
        or each.of(dialect) in upstream.aliases(each.module, each.kind, dialect) for dialect in upstream.DIALECTS)]


def unexercised(names: Iterable[Name], record: Record) -> list[str]:
    """The keys that no test executes."""
    return sorted({key for each in names for key in each.keys if not record.get(key)})
