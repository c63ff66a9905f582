"""The pseudo-variables of acc."""
from __future__ import annotations

from opensips_py.module import Run, pvar
from opensips_py.modules.acc.accounts import Value
from opensips_py.modules.acc.functions import Functions


class Variables(Functions):
    """$acc_extra, $acc_leg and $acc_current_leg."""

    @pvar("acc_extra", dialect="4.0")
    def acc_extra(self, run: Run, name: str) -> Value:
        """A value to account, by its tag in extra_fields."""
        self.know("acc_extra", name, self.tags)
        account = self.known(run)
        return account.extras.get(name) if account is not None else None

    @acc_extra.setter
    def set_acc_extra(self, run: Run, name: str, value: int | str | None) -> None:
        account = self.made(run)
        if account is not None and self.know("acc_extra", name, self.tags):
            account.extras[name] = value
            self.remember(account)

    @pvar("acc_leg", dialect="4.0")
    def acc_leg(self, run: Run, name: str, index: int | str | None = None) -> Value:
        """A value of the current leg, by its tag in leg_fields; the index counts legs from 0, from the last as -1.
        There are legs once do_accounting() was called."""
        leg = self.leg(run, name, index)
        return leg.get(name) if leg is not None else None

    @acc_leg.setter
    def set_acc_leg(self, run: Run, name: str, index: int | str | None, value: int | str | None) -> None:
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
        """The leg at *index*; None where there is none, or *name* is no field of legs."""
        account = self.known(run)
        if account is None or not self.know("acc_leg", name, self.leg_tags):
            return None
        at = -1 if index is None else index
        return account.legs[at] if isinstance(at, int) and -len(account.legs) <= at < len(account.legs) else None

    def know(self, variable: str, name: str, tags: set[str]) -> bool:
        """Whether *name* is a tag that the parameters define; one that is not is logged."""
        if name not in tags:
            self.log.error("$%s(%s): the parameters define no such field", variable, name)
        return name in tags
