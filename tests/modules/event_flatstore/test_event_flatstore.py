"""event_flatstore: events in files, and their rotation."""
import os
import stat

import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.testing import request

WEEK = 7 * 24 * 3600
HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "event_flatstore.so"
{settings}
route {{
	$avp(names) = "count"; $avp(names) = "user"; # the last one comes first
	$avp(values) = 5; $avp(values) = $(hdr(X-Text));
	raise_event("E_TEST", $avp(names), $avp(values));
}}
"""


@pytest.fixture
def flat(opensips, tmp_path):
    def start(**settings):
        lines = ['modparam("event_flatstore", "{}", {})'.format(name, value if isinstance(value, int) else f'"{value}"')
                 for name, value in settings.items()]
        server = opensips(text=HEAD.format(settings="\n".join(lines)))
        server.settings = lines
        server.file = tmp_path / "events.log"
        server.mi("evi:subscribe", "E_TEST", f"flatstore:{server.file}", WEEK)
        return server
    return start


def happen(server, *texts):
    """Raise the event with each of *texts*."""
    for text in texts:
        server.receive(request("OPTIONS", "sip:x@192.0.2.9", headers={"X-Text": text}), "192.0.2.1")


def rotations(server):
    return [values for name, values in server.events if name == "E_FLATSTORE_ROTATION"]


def test_a_line_for_each_event(flat):
    server = flat()
    happen(server, "one", "two, or so")
    assert server.file.read_text() == "E_TEST,one,5\nE_TEST,two  or so,5\n"
    assert stat.S_IMODE(server.file.stat().st_mode) == 0o644 and not rotations(server)


def test_how_lines_look_are_parameters(flat):
    server = flat(delimiter=";", escape_delimiter="|", suppress_event_name=1, file_permissions="600")
    happen(server, "a;b")
    assert server.file.read_text() == "a|b;5\n"
    assert stat.S_IMODE(server.file.stat().st_mode) == 0o600


def test_line_ends_in_values_do_not_end_lines(flat):
    server = flat()
    server.mi("evi:raise", "E_TEST", '{"a": "x\\r\\ny"}')
    assert server.file.read_text() == "E_TEST,x\\r\\ny\n"


def test_a_file_that_is_there_is_appended_to(flat, tmp_path):
    (tmp_path / "events.log").write_text("before\n")
    server = flat()
    happen(server, "one")
    assert server.file.read_text() == "before\nE_TEST,one,5\n"


def test_management_rotates(flat, tmp_path):
    server = flat()
    happen(server, "one")
    os.rename(server.file, tmp_path / "old.log")
    happen(server, "two")
    server.mi("event_flatstore:rotate", str(server.file))
    happen(server, "three")
    assert (tmp_path / "old.log").read_text() == "E_TEST,one,5\nE_TEST,two,5\n"
    assert server.file.read_text() == "E_TEST,three,5\n"
    assert rotations(server) == [{"timestamp": 1_700_000_000, "reason": "mi", "filename": str(server.file),
                                  "old_filename": str(server.file)}]
    with pytest.raises(MIError):
        server.mi("evi_flat_rotate", "/nowhere")


def files(folder):
    return {path.name.removeprefix("events.log"): path.read_text().replace("E_TEST,", "").replace(",5", "").split()
            for path in sorted(folder.iterdir())}


def test_rotation_by_time_with_a_suffix(flat, tmp_path):
    server = flat(rotate_period=60, suffix=".$time(%H%M)")
    happen(server, "one")
    server.advance(20)
    happen(server, "two")
    server.advance(25)
    happen(server, "three")
    found = files(tmp_path)
    assert list(found.values()) == [["one", "two"], ["three"]] and len(found) == 2
    first, second = (f"{server.file}{suffix}" for suffix in found)
    assert rotations(server) == [{"timestamp": 1_700_000_045, "reason": "period", "filename": second,
                                  "old_filename": first}]


@pytest.mark.parametrize(("parameter", "value", "reason"), [
    ("rotate_count", 2, "count"), ("rotate_count", "2", "count"), ("rotate_size", 30, "size"),
    ("rotate_size", "30", "size")])
def test_rotation_by_what_is_in_the_file(flat, tmp_path, parameter, value, reason):
    server = flat(**{parameter: value}, suffix=".$time(%S)")
    for text in ("aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "dddddddddd", "eeeeeeeeee"):
        happen(server, text)
        server.advance(1)
    assert [len(each) for each in files(tmp_path).values()] == [2, 2, 1]
    assert [each["reason"] for each in rotations(server)] == [reason, reason]


def test_sizes_have_units(flat):
    server = flat(rotate_size="2k")
    assert server.engine.generation.registry.modules["event_flatstore"].most_bytes == 2048
    happen(server, *["x" * 200] * 12)
    assert [each["reason"] for each in rotations(server)] == ["size"]


def test_no_more_files_than_may_be_open(flat, tmp_path):
    server = flat(max_open_sockets=2)
    server.mi("evi:subscribe", "E_TEST", f"flatstore:{tmp_path}/b", 10)
    with pytest.raises(MIError, match="2 files are open"):
        server.mi("evi:subscribe", "E_TEST", f"flatstore:{tmp_path}/c", 10)
    server.mi("evi:subscribe", "E_TEST", f"flatstore:{tmp_path}/b", 10)  # renewed
    happen(server, "one")
    server.advance(11)
    server.mi("evi:subscribe", "E_TEST", f"flatstore:{tmp_path}/c", 10)
    happen(server, "two")
    assert (tmp_path / "b").read_text() == "E_TEST,one,5\n" and (tmp_path / "c").read_text() == "E_TEST,two,5\n"


def test_a_reload_goes_on_and_makes_the_path_anew(flat, tmp_path):
    server = flat(suffix=".a")
    happen(server, "one")
    server.reload(HEAD.format(settings='modparam("event_flatstore", "suffix", ".b")'))
    happen(server, "two")
    server.reload(HEAD.format(settings='modparam("event_flatstore", "suffix", ".b")'))
    happen(server, "three")
    assert files(tmp_path) == {".a": ["one"], ".b": ["two", "three"]} and not rotations(server)


def test_events_without_a_place_are_logged_and_come_back(flat, tmp_path):
    server = flat()
    server.mi("evi:subscribe", "E_TEST", f"flatstore:{tmp_path}/folder/file", WEEK)
    happen(server, "one")
    assert server.log.matching("ERROR.*1 events for .*folder/file are lost")
    assert not server.log.matching("Traceback")
    (tmp_path / "folder").mkdir()
    happen(server, "two")
    assert (tmp_path / "folder" / "file").read_text() == "E_TEST,two,5\n"


def test_two_processes_rotate_once(flat, tmp_path):
    from opensips_py.modules.event_flatstore.book import Book
    server = flat()
    happen(server, "one")
    module = server.engine.generation.registry.modules["event_flatstore"]
    other = Book(module.book.words).page(str(server.file))
    assert other.rotate(1, "/a", 0) == str(server.file) and other.rotate(1, "/b", 0) is None
    assert other.path() == (2, "/a") and other.lines == 0


@pytest.mark.parametrize("settings", [
    {"escape_delimiter": "||"}, {"max_open_sockets": 0}, {"file_permissions": "rw"}, {"file_permissions": "7777"},
    {"rotate_count": "many"}, {"rotate_size": "2t"}])
def test_parameters_that_cannot_be(flat, settings):
    with pytest.raises(ConfigError):
        flat(**settings)


@pytest.mark.parametrize("wrong", ["", "x" * 600])
def test_paths_that_cannot_be(flat, tmp_path, wrong):
    server = flat()
    for each in (wrong, str(tmp_path)):
        with pytest.raises(MIError):
            server.mi("evi:subscribe", "E_TEST", f"flatstore:{each}")
