"""Headers that a script adds: where they stand in what is sent."""
from __future__ import annotations

import pytest

from tests.modules.bench import Bench, options

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])


def sent(body, dialect="4.0", **how):
    """The header lines that leave, and the variables of the script."""
    bench = Bench("sipmsgops", body, dialect=dialect)
    message = bench.message(options(**how))
    found = bench.run_on(message).variables
    return message.edited().decode().partition("\r\n\r\n")[0].split("\r\n")[1:], found


@DIALECTS
def test_headers_are_appended_in_order(dialect):
    lines, found = sent(r'append_hf("X-One: $rm\r\n"); append_hf("X-Two: 2\r\nX-Three: 3\r\n");'
                        '$var(rc) = $rc; $var(seen) = $hdr(X-One);', dialect)
    assert lines[-3:] == ["X-One: OPTIONS", "X-Two: 2", "X-Three: 3"]
    assert found["rc"] == 1 and not found["seen"]  # what is added is not read


@DIALECTS
@pytest.mark.parametrize(("anchor", "before"), [("To", "To: <sip:bob@example.com>"), ("t", "To: <sip:bob@example.com>"),
                                                ("X-Old", "X-Old: 1"), ("None", "Content-Length: 0")])
def test_header_is_appended_behind_the_first_anchor(anchor, before, dialect):
    lines, _ = sent(rf'append_hf("X-New: 1\r\n", "{anchor}");', dialect, headers="X-Old: 1\r\nX-Old: 2\r\n")
    assert lines[lines.index("X-New: 1") - 1] == before


@DIALECTS
def test_missing_line_end_is_added(dialect):
    lines, _ = sent('append_hf("X-One: 1"); append_hf("X-Two: 2");', dialect)
    assert lines[-2:] == ["X-One: 1", "X-Two: 2"]
