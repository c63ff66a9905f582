"""Look-ups of contacts as the account of a traced call has them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.module import traced_call

if TYPE_CHECKING:
    from opensips_py.module import Run
    from opensips_py.modules.usrloc.table import Table
    from opensips_py.state._bindings import Binding

SHOWN = ("contact", "received", "path", "q", "user_agent", "socket", "instance")
UNSET = ("", -1)


def told(run: Run, table: Table, aor: str) -> list[Binding]:
    """The contacts of *aor*, waited for where a database keeps them; where the call is traced, its account has them,
    too."""
    if table.reads_wait:
        run.park()
    bindings = table.find(aor)
    account = traced_call()
    if account is not None:
        count = f"{len(bindings)} contact{'s' if len(bindings) != 1 else ''}" if bindings else "nothing"
        account.note("usrloc", f"{table.name}: {aor} has {count}", rows=[row(each, table.clock()) for each in bindings])
    return bindings


def row(binding: Binding, now: float) -> dict[str, Any]:
    """One contact."""
    given = {name: value for name in SHOWN if (value := getattr(binding, name)) not in UNSET}
    return {**given, "expires": binding.expires and max(0, int(binding.expires - now))}
