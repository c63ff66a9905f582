"""The core parameters that concern the supervisor, as a description of the server."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opensips_py.server import listening
from opensips_py.server.boot import Logging
from opensips_py.server.description import Description

DEBUG_WORKERS = 2


def described(values: Mapping[str, Any], sockets: Iterable[Any], dialect: str, protocols: Iterable[str]) -> Description:
    """What to start for the core parameters *values*, as script.globals keeps them, and the *sockets* of a script."""
    given = list(sockets)
    bound = listening.listeners(given, values, protocols)
    debugging, forks = bool(values.get("debug_mode")), bool(values.get("fork", True))
    asked = listening.workers_asked(given, values, bound)
    if debugging:
        asked = min(asked, DEBUG_WORKERS)
    return Description(
        dialect=dialect, listeners=bound, workers_asked=asked if forks else 1, workers=int(values.get("workers") or 0),
        foreground=debugging or not forks, directory=text(values, "workdir"), chroot=text(values, "chroot"),
        user=text(values, "user"), group=text(values, "group"), state_dir=text(values, "state_dir"),
        receive_buffer=int(values.get("maxbuffer") or 0), backlog=int(values.get("tcp_socket_backlog") or 0),
        open_files=int(values.get("open_files_limit") or -1), core_dumps=not values.get("disable_core_dump"),
        logging=logging_of(values, dialect, debugging))


def logging_of(values: Mapping[str, Any], dialect: str, debugging: bool) -> Logging:
    """Where the script wants its log."""
    to_stderr = bool(values.get("stderror_enabled"))
    return Logging(
        to_stderr=to_stderr or debugging,
        to_syslog=not to_stderr if dialect == "2.1" else bool(values.get("syslog_enabled")),
        level=4 if debugging else int(values.get("log_level") or 0),
        facility=text(values, "syslog_facility") or "LOG_DAEMON", name=text(values, "syslog_name") or "opensips-py",
        prefix=text(values, "log_prefix"), stderr_filter=int(values.get("stderror_level_filter") or 0),
        syslog_filter=int(values.get("syslog_level_filter") or 0),
        stderr_format=text(values, "stderror_log_format") or "plain_text",
        syslog_format=text(values, "syslog_log_format") or "plain_text",
        longest_text=int(values.get("log_msg_buf_size") or 0),
        longest_document=int(values.get("log_json_buf_size") or 0),
        to_stdout=dialect == "2.1" or debugging or bool(values.get("log_stdout")))


def text(values: Mapping[str, Any], name: str) -> str:
    """A parameter as text; '' where it is not set."""
    return str(values.get(name) or "")
