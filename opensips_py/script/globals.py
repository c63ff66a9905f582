"""The core parameters: what each is called in either dialect, what it may be, what it does here."""
from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from logging.handlers import SysLogHandler
from typing import Any, Literal

from opensips_py.module.declare import Dialect

Type = Literal["bool", "int", "string", "socket", "sockets", "address", "flag", "blacklist", "profile", "tos", "words",
               "facility"]
FACILITIES = frozenset(SysLogHandler.facility_names)
ABSENT: Any = object()  # the dialect has no such parameter


@dataclass(frozen=True, slots=True)
class Parameter:
    """A core parameter; *key* is what it is kept under, the same for the names of both dialects.

    *effect* says what it does, or where *idle* is set, why it does nothing here. *marks* is the dialect that a script
    gives away by using it.
    """

    name: str
    type: Type
    v21: Any
    v40: Any
    effect: str
    key: str = ""
    aliases: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    many: bool = False
    idle: bool = False
    neutral: bool = False  # kept by versions between the two: says nothing of the dialect
    built_in: bool = False  # of OpenSIPS 1.x, which had the protocols built in
    hint: bool = False  # versions between the two have it as well: says something where nothing else does

    @property
    def kept_as(self) -> str:
        """The name under which the value is kept."""
        return self.key or self.name

    @property
    def marks(self) -> Dialect | None:
        """The dialect that has this parameter, where only one has it."""
        if self.neutral or (self.v21 is not ABSENT and self.v40 is not ABSENT):
            return None
        return "2.1" if self.v40 is ABSENT else "4.0"

    def default(self, dialect: Dialect) -> Any:
        """Its value where the script does not set it; ABSENT where the dialect lacks it."""
        return self.v21 if dialect == "2.1" else self.v40

    def convert(self, value: Any) -> Any:
        """*value* as this parameter keeps it; ValueError says what is wrong with it."""
        if self.type in ("bool", "int"):
            return self.number(value)
        if self.type == "string" and not isinstance(value, str):
            raise ValueError(f'{self.name} is a text: write {self.name} = "{value}"')
        if self.type == "flag":
            return str(value)
        if self.type == "facility" and str(value).upper().removeprefix("LOG_").lower() not in (
                FACILITIES if str(value).upper().startswith("LOG_") else ()):
            raise ValueError(f"{self.name} is a facility of syslog such as LOG_DAEMON or LOG_LOCAL0, not {value}")
        if self.name.endswith("_log_format") and value not in LOG_FORMATS:
            raise ValueError(f"{self.name} is one of {', '.join(LOG_FORMATS)}, not {value}")
        return tos(value) if self.type == "tos" else value

    def number(self, value: Any) -> int | bool:
        """A number within its bounds; also yes and no."""
        if not isinstance(value, int):
            raise ValueError(f"{self.name} is {'yes or no' if self.type == 'bool' else 'a number'}, not {value!r}")
        if self.type == "bool":
            return bool(value)
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            upper = "up" if self.high is None else f"to {self.high}"
            raise ValueError(f"{self.name} is a number from {self.low} {upper}, not {value}")
        return value


LOG_FORMATS = ("plain_text", "json", "json_cee")
TOS = {"IPTOS_LOWDELAY": 0x10, "IPTOS_THROUGHPUT": 0x08, "IPTOS_RELIABILITY": 0x04, "IPTOS_MINCOST": 0x02,
       "IPTOS_LOWCOST": 0x02}


def tos(value: Any) -> int:
    """A type of service, by number or by name."""
    if isinstance(value, int):
        return value
    if str(value).upper() not in TOS:
        raise ValueError(f"{value} is no type of service: a number, or {', '.join(TOS)}")
    return TOS[str(value).upper()]


def both(name: str, kind: Type, default: Any, effect: str, **more: Any) -> Parameter:
    """A parameter of both dialects; the default is that of both unless v21= or v40= says otherwise."""
    v21, v40 = more.pop("v21", default), more.pop("v40", default)
    return Parameter(name, kind, v21, v40, effect, **more)


def old(name: str, kind: Type, default: Any, effect: str, **more: Any) -> Parameter:
    """A parameter that 2.1 alone has."""
    return Parameter(name, kind, default, ABSENT, effect, **more)


def new(name: str, kind: Type, default: Any, effect: str, **more: Any) -> Parameter:
    """A parameter that 4.0 alone has."""
    return Parameter(name, kind, ABSENT, default, effect, **more)


RECEIVED = "accepted without effect: a Via whose host is not the source address gets received (RFC 3261, 18.2.1)"
QUERIES = "accepted without effect: whoever writes many rows, such as acc, writes those that wait together"
MEMORY = "accepted without effect: Python manages the memory"
SOCKET = "An address to listen on: protocol:host:port, with its options behind it."

TABLE = (
    # Sockets and names
    old("listen", "socket", None, SOCKET, key="socket", many=True, hint=True),
    new("socket", "socket", None, SOCKET, many=True),
    both("alias", "sockets", None, "A further host name of ours, for myself and for Route headers.", many=True),
    both("port", "int", 0, "Port of the sockets that name none; scripts of OpenSIPS 1.x have it.", low=0, high=65535,
         built_in=True),
    old("disable_tcp", "bool", False, "yes: no sockets for TCP; scripts of OpenSIPS 1.x have it.", built_in=True),
    old("disable_tls", "bool", False, "yes: no sockets for TLS; scripts of OpenSIPS 1.x have it.", built_in=True),
    both("auto_aliases", "bool", False, "Take the names that DNS has for our addresses as ours, too.", v21=True),
    both("advertised_address", "address", "", "Host to put into Via and Record-Route instead of the socket's own."),
    both("advertised_port", "int", 0, "Port to put into Via and Record-Route instead of the socket's own.", low=0,
         high=65535),
    both("mhomed", "bool", False, "Ask the kernel which of our addresses leads to a destination."),
    both("tos", "tos", 0x10, "Type of service of the packets we send."),
    both("mcast_loopback", "bool", False, "Send multicast datagrams to ourselves, too."),
    both("mcast_ttl", "int", -1, "Time to live of multicast datagrams; -1 leaves it to the system.", low=-1, high=255),
    old("bin_listen", "address", None, "accepted without effect: the binary interface is not built yet", idle=True,
        many=True),
    old("bin_children", "int", 1, "accepted without effect: the binary interface is not built yet", idle=True),

    # Processes
    old("children", "int", 8, "Workers that the script asks for; never more than the machine has cores.",
        key="udp_workers", low=0),
    new("udp_workers", "int", 8, "Workers that the script asks for; never more than the machine has cores.", low=1),
    old("tcp_children", "int", 8, "Workers that the script asks for; every worker serves all protocols.",
        key="tcp_workers", low=0),
    new("tcp_workers", "int", 8, "Workers that the script asks for; every worker serves all protocols.", low=0),
    new("tcp_threads", "int", 0, "accepted without effect: connections need no threads", low=0, idle=True),
    new("tcp_parallel_read_on_workers", "bool", False, "accepted without effect: a connection belongs to one worker; "
        "OpenSIPS 3.3 to 3.6 have it", idle=True),
    new("timer_workers", "int", 1, "accepted without effect: every worker runs its own timers", low=1, idle=True),
    new("auto_scaling_profile", "profile", None, "accepted without effect: the number of workers is fixed", many=True,
        idle=True),
    new("auto_scaling_cycle", "int", 1, "accepted without effect: the number of workers is fixed", low=1, idle=True),
    both("workers", "int", 0, "Exact number of workers, an extension: 0 leaves it to the other parameters.", low=0),
    both("dialect", "words", "", "The dialect of the script, an extension: 2.1 or 4.0, where it does not show."),
    old("fork", "bool", True, "no: one worker, in the foreground.", key="fork"),
    new("debug_mode", "bool", False, "Foreground, two workers, every message on standard error.", hint=True),
    old("user", "string", "", "User that the server runs as.", aliases=("uid",)),
    old("group", "string", "", "Group that the server runs as.", aliases=("gid",)),
    both("chroot", "string", "", "Folder that becomes the root of all paths."),
    both("workdir", "string", "", "Working folder.", aliases=("wdir",)),
    both("open_files_limit", "int", -1, "Number of open files to ask the system for; -1 leaves it.", low=-1),
    both("disable_core_dump", "bool", False, "Write no core files."),
    both("poll_method", "words", "", "accepted without effect: the event loop chooses the best there is", idle=True,
         aliases=("tcp_poll_method",)),
    both("maxbuffer", "int", 262144, "Largest receive buffer of a UDP socket, in bytes.", low=1),

    # TCP
    both("tcp_accept_aliases", "bool", False, "Reuse a connection for the port in Via, where that has ;alias."),
    both("tcp_connect_timeout", "int", 100, "Longest wait for a connection, in milliseconds.", low=1),
    both("tcp_connection_lifetime", "int", 120, "Seconds after which an idle connection is closed.", low=0),
    both("tcp_max_connections", "int", 2048, "Most connections accepted.", low=0),
    both("tcp_max_msg_time", "int", 4, "Most seconds that one message may take to arrive.", low=1),
    old("tcp_listen_backlog", "int", 10, "Length of the queue of connections not accepted yet.",
        key="tcp_socket_backlog", low=1, hint=True),
    new("tcp_socket_backlog", "int", 10, "Length of the queue of connections not accepted yet.", low=1),
    both("tcp_keepalive", "bool", True, "Let the system probe idle connections."),
    both("tcp_keepcount", "int", 0, "Probes before a connection counts as dead; 0 leaves it to the system.", low=0),
    both("tcp_keepidle", "int", 0, "Idle seconds before the first probe; 0 leaves it to the system.", low=0),
    both("tcp_keepinterval", "int", 0, "Seconds between probes; 0 leaves it to the system.", low=0),
    both("tcp_no_new_conn_bflag", "flag", "", "Branch flag: send over a connection that exists, or not at all."),
    new("tcp_no_new_conn_rplflag", "flag", "", "Message flag: reply over a connection that exists, or not at all."),
    both("tcpthreshold", "int", 0, "Microseconds that a message may take to leave over a connection, beyond which a "
         "warning is logged; 0: never.", aliases=("tcp_threshold",), low=0),

    # Logging
    old("debug", "int", 2, "Log level, -3 (alert) to 4 (debug).", key="log_level"),
    new("log_level", "int", 2, "Log level, -3 (alert) to 4 (debug).", hint=True),
    old("log_stderror", "bool", True, "Log to standard error instead of syslog.", key="stderror_enabled", neutral=True),
    new("stderror_enabled", "bool", True, "Log to standard error."),
    new("syslog_enabled", "bool", False, "Log to syslog."),
    old("log_facility", "facility", "LOG_DAEMON", "Facility of syslog.", key="syslog_facility", neutral=True),
    new("syslog_facility", "facility", "LOG_DAEMON", "Facility of syslog."),
    old("log_name", "string", "", "Name that syslog shows.", key="syslog_name", neutral=True),
    new("syslog_name", "string", "", "Name that syslog shows."),
    new("stderror_level_filter", "int", 0, "Level of what reaches standard error; 0: no other than log_level."),
    new("syslog_level_filter", "int", 0, "Level of what reaches syslog; 0: no other than log_level."),
    new("stderror_log_format", "string", "plain_text", "plain_text, json or json_cee."),
    new("syslog_log_format", "string", "plain_text", "plain_text, json or json_cee."),
    new("log_event_enabled", "bool", False, "Raise E_CORE_LOG for every line logged."),
    new("log_event_level_filter", "int", 0, "Level of what is raised as E_CORE_LOG; 0: no other than log_level."),
    new("log_json_buf_size", "int", 6144, "Longest line of the log in JSON, in bytes; the text in it is shortened.",
        low=0),
    new("log_msg_buf_size", "int", 4096, "Longest text in a line in JSON or in E_CORE_LOG, in bytes.", low=0),
    new("log_prefix", "string", "", "Text put before every line of the log."),
    new("log_stdout", "bool", False, "Keep what libraries print to standard output, which is lost otherwise."),
    new("xlog_level", "int", None, "Level up to which xlog() prints, whatever log_level is; 2 where it is not set."),
    new("xlog_print_level", "int", 2, "Level of an xlog() without one."),
    old("xlog_default_level", "int", -1, "Level of an xlog() without one; OpenSIPS 2.2 to 2.4 have it.",
        key="xlog_print_level", hint=True),
    both("xlog_buf_size", "int", 4096, "Longest line of xlog(), in bytes; a longer one is left out.", low=1),
    both("xlog_force_color", "bool", False, "Let $C(xy) colour the output of xlog()."),
    new("pv_print_buf_size", "int", 20000, "accepted without effect: texts have no buffer, so they have no longest "
        "size", low=1, idle=True),

    # The script
    both("max_while_loops", "int", 10000, "Most rounds of a while loop.", v21=100, low=1),
    both("enable_asserts", "bool", False, "Let assert() test its condition."),
    both("abort_on_assert", "bool", False, "Stop the server when an assert() fails."),
    both("mpath", "string", "", "Folders to look for modules in.", many=True),
    old("avp_aliases", "string", "", "Short names for AVPs: name=avp;name=avp."),
    both("execmsgthreshold", "int", 0, "Microseconds of work on a message beyond which a warning is logged; 0: never.",
         aliases=("exec_msg_threshold",), low=0),

    # SIP
    both("check_via", "bool", False, "Drop responses whose top Via is none of our addresses."),
    both("disable_503_translation", "bool", False, "Pass a 503 on as it is, not as 500."),
    both("disable_stateless_fwd", "bool", True, "Drop responses without a transaction, unless the script forwards "
         "statelessly."),
    both("dns", "bool", False, RECEIVED, idle=True),
    both("rev_dns", "bool", False, RECEIVED, idle=True),
    both("server_signature", "bool", True, "Put a Server header into our replies."),
    both("server_header", "string", "", "The whole Server header of our replies."),
    both("user_agent_header", "string", "", "The whole User-Agent header of our requests."),
    both("sip_warning", "bool", False, "Put a Warning header with details into our replies."),

    # DNS and blacklists
    both("dns_try_ipv6", "bool", False, "Look for IPv6 addresses, too."),
    both("dns_try_naptr", "bool", True, "Look for NAPTR records first."),
    both("dns_retr_time", "int", -1, "Seconds to wait for a name server; -1 leaves it to the system.", low=-1),
    both("dns_retr_no", "int", -1, "How often to ask a name server; -1 leaves it to the system.", low=-1),
    both("dns_servers_no", "int", -1, "How many of the name servers to use; -1: all.", low=-1),
    both("dns_use_search_list", "bool", True, "Complete names with the search list of resolv.conf."),
    both("disable_dns_failover", "bool", False, "Do not go on to the next destination that DNS has."),
    both("disable_dns_blacklist", "bool", True, "no: a destination of the DNS that failed is on the blacklist dns for "
         "four minutes."),
    both("execdnsthreshold", "int", 0, "Microseconds of a DNS query beyond which a warning is logged; 0: never.",
         aliases=("exec_dns_threshold",), low=0),
    both("dst_blacklist", "blacklist", None, "A list of destinations not to send to.", many=True),

    # Databases
    both("db_version_table", "string", "version", "The table that has the versions of all others."),
    both("db_default_url", "string", "", "The database of modules whose own parameter names none, such as "
         "`sqlite:///var/lib/opensips/opensips.sqlite`."),
    both("db_max_async_connections", "int", 10, "Connections that one worker has to a database at the most; what finds "
         "none free waits.", low=1),
    both("query_buffer_size", "int", 0, QUERIES, low=0, idle=True),
    both("query_flush_time", "int", 0, QUERIES, low=0, idle=True),

    # Memory
    both("event_pkg_threshold", "int", 0, "Percent of the memory a worker may have beyond which E_CORE_PKG_THRESHOLD "
         "is raised; 0: never.", low=0, high=100),
    both("event_shm_threshold", "int", 0, "Percent of the shared memory beyond which E_CORE_SHM_THRESHOLD is raised; "
         "0: never.", low=0, high=100),
    both("mem_warming", "bool", False, MEMORY, aliases=("mem_warming_enabled",), idle=True),
    both("mem_warming_percentage", "int", 75, MEMORY, v21=-1, idle=True),
    both("mem_warming_pattern_file", "string", "mem_warming_pattern", MEMORY, v21="", idle=True),
    both("memdump", "int", 14, "Level at which a worker logs what memory it takes, when it ends or is asked; from 5 "
         "on: never.", aliases=("mem_dump",)),
    both("memlog", "int", 15, "Sets memdump, too.", v21=14, aliases=("mem_log",)),
    new("mem-group", "words", None, MEMORY, many=True, idle=True, hint=True),
    new("restart_persistency_size", "int", 0, "accepted without effect: what lasts is kept in state_dir", idle=True),
    new("restart_persistency_cache_file", "string", ".restart_persistency.cache",
        "accepted without effect: what lasts is kept in state_dir", idle=True),
    both("shm_hash_split_percentage", "int", 1, MEMORY, idle=True),
    both("shm_secondary_hash_size", "int", 8, MEMORY, idle=True),
    new("shm_memlog_size", "int", 0, MEMORY, idle=True),
    both("state_dir", "string", "", "Folder for what survives a restart, an extension."),
)

# Core parameters of OpenSIPS 1.x that went to modules
OF_1X = {
    **dict.fromkeys(("tcp_async", "tcp_async_local_connect_timeout", "tcp_async_local_write_timeout",
                     "tcp_async_max_postponed_chunks", "tcp_crlf_pingpong", "tcp_max_msg_chunks", "tcp_send_timeout"),
                    "proto_tcp"),
    **dict.fromkeys(("tls_handshake_timeout", "tls_send_timeout", "tls_port_no"), "proto_tls"),
    **dict.fromkeys(("tls_ca_dir", "tls_ca_list", "tls_certificate", "tls_ciphers_list", "tls_client_domain",
                     "tls_client_domain_avp", "tls_dh_params", "tls_ec_curve", "tls_method", "tls_private_key",
                     "tls_require_client_certificate", "tls_server_domain", "tls_verify_client", "tls_verify_server"),
                    "tls_mgm"),
}

BY_NAME: dict[str, Parameter] = {name: each for each in TABLE for name in (each.name, *each.aliases)}


def find(name: str) -> Parameter | None:
    """The parameter called *name* in either dialect, by its own name or an alias."""
    return BY_NAME.get(name)


def unknown(name: str) -> str:
    """The hint for a name that is no core parameter."""
    if name in OF_1X:
        return f"OpenSIPS 1.x has it; since 2.1 it is a modparam of module {OF_1X[name]}"
    found = get_close_matches(name, list(BY_NAME), 1)
    return f"did you mean {found[0]}?" if found else ""


def defaults(dialect: Dialect) -> dict[str, Any]:
    """What every core parameter is in *dialect* when the script sets none; lists for those that may be given often.

    Parameters that only the other dialect has keep its default, so that every key is always there.
    """
    values: dict[str, Any] = {}
    for each in TABLE:
        value = each.default(dialect)
        if value is not ABSENT or each.kept_as not in values:
            other = each.v40 if each.v21 is ABSENT else each.v21
            values[each.kept_as] = [] if each.many else other if value is ABSENT else value
    return values
