"""The form of files of db_text."""
from __future__ import annotations

import io
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensips_py.db import schema, textfile


def read(text):
    file = io.StringIO(text)
    columns = textfile.columns(file.readline())
    return columns, list(textfile.rows(columns, file))


def test_the_sample_of_the_manual():
    columns, rows = read("id(int,auto) name(str) flag(double) desc(str,null)\n"
                         "1:nick:0.34:a\\tgood\\: friend\n2:cole:-3.75:colleague\n3:bob:2.50:\n")
    assert [(each.name, each.auto, each.null) for each in columns] == [
        ("id", True, False), ("name", False, False), ("flag", False, False), ("desc", False, True)]
    assert rows == [(1, "nick", 0.34, "a\tgood: friend"), (2, "cole", -3.75, "colleague"), (3, "bob", 2.5, None)]


def test_spaces_and_line_ends_of_others():
    columns, rows = read("name(string,null) \t n(int,null) \r\na:1\r\n\n:\n")
    assert len(columns) == 2 and rows == [("a", 1), (None, None)]


@given(st.lists(st.tuples(st.text(), st.integers(), st.none() | st.text(min_size=1), st.binary())))
def test_what_is_written_is_read(rows):
    columns = textfile.columns("a(string) b(int) c(string,null) d(blob)\n")
    text = "".join(textfile.lines(columns, rows))
    file = io.StringIO(text, newline="\n")
    assert list(textfile.rows(textfile.columns(file.readline()), file)) == rows


def test_moments_and_real_numbers():
    columns = textfile.columns("t(int) q(double) b(blob)")
    when = datetime(2026, 7, 1, 12)
    assert list(textfile.lines(columns, [(when, 1, memoryview(b"x:"))]))[1] == f"{int(when.timestamp())}:1.00:x\\:\n"


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_every_table_of_opensips_has_such_a_form(dialect):
    for table in schema(dialect).values():
        header = " ".join(map(str, textfile.columns_of(table)))
        assert [each.name for each in textfile.columns(header)] == list(table.names)
    assert str(textfile.columns_of(schema(dialect)["location"])[0]) in ("id(int,auto)", "contact_id(long,auto)")
