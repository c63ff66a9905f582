import pytest

from opensips_py.script import globals as core
from opensips_py.server.settings import described


def told(dialect="4.0", protocols=("udp", "tcp"), sockets=(), **values):
    return described({**core.defaults(dialect), **values}, sockets, dialect, protocols)


def test_defaults_are_those_of_the_dialect():
    assert told().logging.to_syslog is False
    assert told().logging.to_stderr is True
    assert told("2.1", stderror_enabled=False).logging.to_syslog is True
    assert told("4.0", stderror_enabled=False, syslog_enabled=True).logging.to_stderr is False
    assert (told().foreground, told().workers_asked) == (False, 8)


def test_debug_mode_is_two_workers_in_the_foreground_with_a_full_log():
    debugging = told(debug_mode=True, stderror_enabled=False)
    assert (debugging.foreground, debugging.workers_asked) == (True, 2)
    assert (debugging.logging.level, debugging.logging.to_stderr) == (4, True)


def test_no_fork_is_one_worker_in_the_foreground():
    assert (told("2.1", fork=False).foreground, told("2.1", fork=False).workers_asked) == (True, 1)


@pytest.mark.parametrize("key, value, attribute", [
    ("workers", 3, "workers"), ("workdir", "/tmp", "directory"), ("chroot", "/srv", "chroot"), ("user", "sip", "user"),
    ("group", "sip", "group"), ("state_dir", "/x", "state_dir"), ("maxbuffer", 5, "receive_buffer"),
    ("tcp_socket_backlog", 7, "backlog"), ("open_files_limit", 99, "open_files")])
def test_parameters_arrive(key, value, attribute):
    assert getattr(told(**{key: value}), attribute) == value


@pytest.mark.parametrize("key, value, attribute", [
    ("syslog_name", "edge", "name"), ("syslog_facility", "LOG_LOCAL3", "facility"), ("log_prefix", "p", "prefix"),
    ("stderror_level_filter", 1, "stderr_filter"), ("syslog_level_filter", 2, "syslog_filter"),
    ("stderror_log_format", "json", "stderr_format"), ("syslog_log_format", "json_cee", "syslog_format"),
    ("log_level", 3, "level")])
def test_parameters_of_the_log_arrive(key, value, attribute):
    assert getattr(told(**{key: value}).logging, attribute) == value


def test_no_core_dumps():
    assert told(disable_core_dump=True).core_dumps is False
