"""A run of a route and its end."""
from __future__ import annotations

from typing import Any

from opensips_py.module.run import Route, Run


def run() -> Run:
    nothing: Any = None
    return Run(nothing, nothing, Route.TIMER, None)


def test_what_was_taken_last_is_given_back_first_and_once() -> None:
    ended: list[int] = []
    one = run()
    one.at_end(lambda: ended.append(1))
    one.at_end(lambda: ended.append(2))
    one.finish()
    one.finish()
    assert ended == [2, 1]


def test_an_ending_that_fails_keeps_no_other_from_its_work(caplog: Any) -> None:
    ended: list[int] = []
    one = run()
    one.at_end(lambda: ended.append(1))
    one.at_end(lambda: 1 // 0)
    one.finish()
    assert ended == [1] and "ZeroDivisionError" in caplog.text


def test_a_run_without_endings_just_ends() -> None:
    run().finish()
