"""All that can be said of a configuration, as `check` prints it and the language server shows it."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from opensips_py.script import analysis, decided
from opensips_py.script.configuration import Configuration
from opensips_py.script.diagnostics import NOTE
from opensips_py.script.preprocessor import read_text
from opensips_py.server import generation
from opensips_py.server.check import described
from opensips_py.server.description import Description
from opensips_py.server.sources import Recorder


@dataclass(slots=True)
class Verdict:
    """A configuration with its findings, what the server would do with it, and the texts it was read from."""

    path: str
    configuration: Configuration
    description: Description
    texts: dict[str, str]

    @property
    def is_right(self) -> bool:
        """Whether a server would start."""
        return not self.description.errors

    def as_data(self, *, notes: bool = True) -> dict[str, Any]:
        """The same as plain data."""
        return {"file": self.path, "dialect": self.configuration.dialect, "right": self.is_right,
                "findings": [each for each in self.configuration.diagnostics.as_data()
                             if notes or each["severity"] != NOTE],
                "listeners": [asdict(each) for each in self.description.listeners]}


def verdict(path: str, read: Callable[[str], str] = read_text, *, notes: bool = True) -> Verdict:
    """Examine the configuration *path*; *read* gives the texts of files, which may be unsaved ones of an editor."""
    recorder = Recorder(read)
    found = generation.read(path, {}, recorder)
    description = described(found, elsewhere=True)
    analysis.add_warnings(found)
    if notes:
        decided.add_notes(found)
    return Verdict(path, found, description, recorder.texts)


def overlaid(texts: Mapping[str, str]) -> Callable[[str], str]:
    """What reads files, those in *texts* as they stand there."""
    return lambda path: texts[path] if path in texts else read_text(path)
