"""Metrics in the text format of Prometheus, version 0.0.4: families of samples that share a name and a type."""
from __future__ import annotations

import re
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NAME = re.compile("[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")
PAIR = LABEL.pattern + r'="(?:[^"\\\n]|\\["\\n])*"'  # key="value"
LABELS = re.compile(f"{PAIR}(?:,{PAIR})*")
NO_NAME = re.compile("[^a-zA-Z0-9_:]")


@dataclass(slots=True)
class Family:
    """All samples of one name, by their labels."""

    kind: str = "gauge"
    help: str = ""
    samples: dict[str, int | float] = field(default_factory=dict)


class Families:
    """What one answer consists of. A family is written in one piece, whoever adds to it."""

    def __init__(self) -> None:
        self.families: dict[str, Family] = {}

    def declare(self, name: str, kind: str, help: str = "") -> None:
        """Give *name* its type; who comes first decides."""
        self.families.setdefault(name, Family(kind, help))

    def add(self, name: str, labels: str, value: int | float) -> bool:
        """Add a sample; False where there is one of this name and these labels."""
        samples = self.families.setdefault(name, Family()).samples
        if labels in samples:
            return False
        samples[labels] = value
        return True

    def text(self) -> str:
        """All of them; a family without a sample is none."""
        return "".join(written(name, family) for name, family in self.families.items() if family.samples)


def written(name: str, family: Family) -> str:
    """One family."""
    escaped = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    head = f"# HELP {name} {escaped}\n" if escaped else ""
    samples = "".join(f"{name}{'{' + labels + '}' if labels else ''} {value}\n"
                      for labels, value in family.samples.items())
    return f"{head}# TYPE {name} {family.kind}\n{samples}"


def metric_name(text: str) -> str:
    """*text* as a metric may be called."""
    name = NO_NAME.sub("_", text)
    return name if NAME.fullmatch(name) else f"_{name}"


def label(name: str, value: str) -> str:
    """A label."""
    clean = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    escaped = clean.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{name}="{escaped}"'


def joined(*labels: str) -> str:
    """Several lists of labels as one."""
    return ",".join(filter(None, labels))
