import os

import pytest

from opensips_py.server import sources
from opensips_py.server.sources import Recorder, Sources


@pytest.fixture
def fds():
    made = sources.create()
    yield made
    for fd in made:
        os.close(fd)


def test_the_generation_in_use_stays_while_the_next_is_prepared(fds):
    sources.place(fds, 1, {"/a.cfg": "one \udcff", "/b.cfg": "x" * 300_000})
    sources.place(fds, 2, {"/a.cfg": "two"}, {"key": "code"})
    assert sources.taken(fds, 1).texts == {"/a.cfg": "one \udcff", "/b.cfg": "x" * 300_000}
    assert sources.taken(fds, 2) == Sources({"/a.cfg": "two"}, {"key": "code"})
    sources.place(fds, 3, {"/a.cfg": "3"})
    assert sources.taken(fds, 3) == Sources({"/a.cfg": "3"}, {})
    with pytest.raises(ValueError, match="no generation 1"):
        sources.taken(fds, 1)


def test_files_that_were_not_checked_are_not_read():
    read = sources.reader({"/a.cfg": "text"})
    assert read("/a.cfg") == "text"
    with pytest.raises(FileNotFoundError):
        read("/etc/passwd")


def test_what_was_read_is_recorded(tmp_path):
    recorder = Recorder(lambda path: f"text of {path}")
    assert recorder("/a") == "text of /a"
    assert recorder.texts == {"/a": "text of /a"}
