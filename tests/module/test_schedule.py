"""Recurrences joined to conditions."""
from __future__ import annotations

import re

import pytest

from opensips_py.module.schedule import parse

NOW = 1591357895  # Friday, 5 June 2020, 11:51:35 UTC
YES = "UTC|20200605T115135|20200605T115136"
NO = "UTC|20200605T115135|20200605T115135"
ZONED = "Europe/Bucharest|20190723T070000||PT8H|WEEKLY|||MO,TU,WE,TH,FR"


@pytest.mark.parametrize(("text", "expected"), [
    ("Y", 1), ("N", 0), ("Y/N", 1), ("N / Y", 1), ("N/N/N/Y", 1), ("N/N", 0), ("Y&Y & Y", 1), ("Y&N", 0), ("N & Y", 0),
    ("(Y)", 1), ("(N)", 0), ("(Y/N)&N", 0), ("Y/(N&N)", 1), ("(Y / ((Y/N)&N)) & N", 0), ("Y / (((Y/N)&N) & N)", 1),
    ("Y  /\t((\t(\t Y /\t\tN)&\t N\t\t) &\t N\t)", 1),
    ("!N", 1), ("!Y", 0), ("! !N", 0), ("!\t!Y", 1), ("!(N)", 1), ("(!Y)", 0), ("!(Y) & Y", 0), ("!(N) & !(N)", 1),
    ("Y & !(Europe/Amsterdam|20210427T000000|20210428T000000 / Europe/London|20211227T000000|20211228T000000)", 1),
    (ZONED, 1), (f"!{ZONED}", 0), (ZONED.replace("8H", "7H"), 0), (f"N/{ZONED}", 1), (f"Y&{ZONED}", 1),
    ("20200605T115136/20200605T115135", 1),
    ("", 0), ("!", 1), ("!!", 0), ("()", 0), ("!()", 1), ("() / ()", 0), ("() / Y", 1), ("!() & !()", 1), ("(())", 0),
    ("!((()))", 1),
])
def test_conditions(text: str, expected: int) -> None:
    assert parse(written(text))(NOW) is bool(expected)


@pytest.mark.parametrize("text", [
    "N/", "Y&", "Y/Y/", "Y/ foobar", "N& foobar", "(Y/Y&Y)", "Y&Y/Y", "Y / Y & Y", "/", "&", "(", ")", ")(", "(()",
    "())", "!(", "!(()", "!())", "!()!", "&()", "()&", "/()", "()/", "()()", "N(", "N Y", "(Y)N", "Y(N)", "(Y)(N)",
    "N&&Y", "N//Y", "(N&Y)&&Y", "N//(N&Y)", "(N & Y) ! Y",
])
def test_malformed_conditions_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(written(text))


def written(text: str) -> str:
    """*text* with every Y and N that stands alone replaced by a recurrence that holds, or does not."""
    return re.sub(r"\b[YN]\b", lambda found: YES if found[0] == "Y" else NO, text)
