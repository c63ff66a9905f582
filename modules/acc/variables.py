"""The pseudo-variables of acc."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import Run, pvar
from opensips_py.modules.acc.accounts import Value
from opensips_py.modules.acc.functions import Functions
from opensips_py.modules.acc.kinds import Tag

Extra = Annotated[str, Tag()]
Leg = Annotated[str, Tag(fields="leg_fields")]


class Variables(Functions):
    """$acc_extra, $acc_leg and $acc_current_leg."""

    @pvar("acc_extra", dialect="4.0")
    def acc_extra(self, run: Run, name: Extra) -> Value:
        """A value to account, by its tag in extra_fields."""
        account = self.known(run)
        return account.extras.get(name) if account is not None else None

    @acc_extra.setter
    def set_acc_extra(self, run: Run, name: Extra, value: int | str | None) -> None:
        account = self.made(run)
        if account is not None:
            account.extras[name] = value
            self.remember(account)

    @pvar("acc_leg", dialect="4.0")
    def acc_leg(self, run: Run, name: Leg, index: int | str | None = None) -> Value:
        """A value of the current leg, by its tag in leg_fields; the index counts legs from 0, from the last as -1.
        There are legs once do_accounting() was called."""
        leg = self.leg(run, name, index)
        return leg.get(name) if leg is not None else None

    @acc_leg.setter
    def set_acc_leg(self, run: Run, name: Leg, index: int | str | None, value: int | str | None) -> None:
        leg = self.leg(run, name, index)
        if leg is not None:
            leg[name] = value
            account = self.known(run)
            assert account is not None
            self.remember(account)
        else:
            self.log.error("$acc_leg(%s) cannot be assigned: there is no such leg", name)

    @pvar("acc_current_leg", dialect="4.0")
    def acc_current_leg(self, run: Run) -> int | None:
        """Number of the current leg, from 0; NULL before do_accounting()."""
        account = self.known(run)
        return len(account.legs) - 1 if account is not None and account.legs else None

    def leg(self, run: Run, name: str, index: int | str | None) -> dict[str, Value] | None:
        """The leg at *index*; None where there is none."""
        account = self.known(run)
        if account is None:
            return None
        at = -1 if index is None else index
        return account.legs[at] if isinstance(at, int) and -len(account.legs) <= at < len(account.legs) else None
