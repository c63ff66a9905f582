"""Rules that make a name and labels of the name of a statistic."""
from __future__ import annotations

from opensips_py.module import ConfigError
from opensips_py.module.substitution import Substitution
from opensips_py.modules.prometheus.families import LABELS


class Rule:
    """A rule ``group: /expression/name:labels/flags`` for the statistics of one group."""

    def __init__(self, text: str) -> None:
        group, colon, substitution = text.partition(":")
        self.group = group.strip()
        if not colon or not self.group:
            raise ConfigError(f'"{text}" names no group: write group: /expression/name:labels/flags', "", "labels")
        try:
            self.substitution = Substitution(substitution.strip())
        except ValueError as error:
            raise ConfigError(str(error), "", "labels") from None

    def __call__(self, name: str) -> tuple[str, str] | None:
        """Name and labels for the statistic *name*; None where the rule does not make such."""
        made, count = self.substitution.counted(name.encode("utf-8", "surrogateescape"))
        head, colon, labels = made.decode("utf-8", "replace").partition(":")
        if not count or not colon or not head or not LABELS.fullmatch(labels):
            return None
        return head, labels
