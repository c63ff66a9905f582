"""Merge patches, RFC 7396."""
from __future__ import annotations

from typing import Any

from opensips_py.modules.json.reading import NULL


def merged(target: Any, patch: Any) -> Any:
    """*target* after *patch*, by the algorithm of RFC 7396, 2."""
    if not isinstance(patch, dict):
        return patch
    outcome = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is NULL:
            outcome.pop(name, None)
        else:
            outcome[name] = merged(outcome.get(name), value)
    return outcome
