"""Database URLs as OpenSIPS writes them."""
from __future__ import annotations

import pytest

from opensips_py.db import DatabaseUrl


@pytest.mark.parametrize(("text", "expected"), [
    ("mysql://opensips:opensipsrw@localhost/opensips",
     DatabaseUrl("mysql", "opensips", "opensipsrw", "localhost", 0, "opensips")),
    ("postgres://u@[2001:db8::1]:5433/d", DatabaseUrl("postgres", "u", "", "2001:db8::1", 5433, "d")),
    ("postgres:///d", DatabaseUrl("postgres", database="d")),
    ("MYSQL://a:p@ss:w/rd@h/d?unix_socket=/run/s&x=1",
     DatabaseUrl("mysql", "a", "p@ss:w/rd", "h", 0, "d", (("unix_socket", "/run/s"), ("x", "1")))),
    ("sqlite:///var/lib/o.sqlite", DatabaseUrl("sqlite", database="/var/lib/o.sqlite")),
    ("sqlite:o.sqlite", DatabaseUrl("sqlite", database="o.sqlite")),
    ("text:///etc/opensips/dbtext", DatabaseUrl("text", database="/etc/opensips/dbtext")),
    ("virtual://set1", DatabaseUrl("virtual", database="set1")),
])
def test_parts(text, expected):
    assert DatabaseUrl.parse(text) == expected


@pytest.mark.parametrize(("text", "complaint"), [
    ("", "looks like"), ("opensips", "looks like"), ("mysql:opensips", 'followed by "//"'),
    ("mysql://localhost", "looks like"),
    ("mysql://u:p@h:99999/d", "no port"), ("mysql://u:p@h/", "looks like"),
])
def test_what_is_wrong_is_said(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        DatabaseUrl.parse(text)


def test_the_password_is_not_shown():
    url = DatabaseUrl.parse("mysql://u:secret@h:1/d")
    assert str(url) == "mysql://u@h:1/d" and "secret" not in repr(url)
    assert str(DatabaseUrl.parse("postgres://u:secret@[::1]/d")) == "postgres://u@[::1]/d"
    assert url.option("ssl_ca", "none") == "none"
