"""Ways to make one answer of the answers of all workers."""
from __future__ import annotations

from typing import Any


def first(answers: list[Any]) -> Any:
    """All answer the same: the first will do."""
    return answers[0]


def concatenate(answers: list[Any]) -> Any:
    """Lists one behind the other; dictionaries of lists key by key."""
    if isinstance(answers[0], dict):
        keys = dict.fromkeys(key for answer in answers for key in answer)
        return {key: concatenate([answer[key] for answer in answers if key in answer]) for key in keys}
    if isinstance(answers[0], list):
        return [item for answer in answers for item in answer]
    return answers[0]


def add_up(answers: list[Any]) -> Any:
    """Numbers summed, dictionaries key by key."""
    if isinstance(answers[0], dict):
        keys = dict.fromkeys(key for answer in answers for key in answer)
        return {key: add_up([answer[key] for answer in answers if key in answer]) for key in keys}
    if isinstance(answers[0], (int, float)):
        return sum(answers)
    return answers[0]
