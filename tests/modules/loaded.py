"""One module with its parameters set as modparam lines set them, without a script around it."""
from __future__ import annotations

from typing import Any

from opensips_py.script.core import registry_with_core


def loaded(name: str, dialect: Any = "4.0", **parameters: int | str) -> Any:
    """The module *name*; the test gives it what else it needs."""
    registry = registry_with_core(dialect)
    module = registry.add(name)
    for parameter, value in parameters.items():
        registry.set_parameter(name, parameter, value)
    return module
