"""The statistics of the core: what came in, what went on, what could not be used."""
from __future__ import annotations

import time
from typing import Any

from opensips_py.module import Module, counter, statistic
from opensips_py.server.core_events import E_CORE_LOG, E_CORE_THRESHOLD
from opensips_py.statistics import Statistics
from opensips_py.transport.settings import Counters

STREAMS = {
    "accepted": "Connections that peers opened.",
    "connected": "Connections that this server opened.",
    "refused": "Connections closed at once, for there were too many.",
    "unconnected": "Connections that could not be opened.",
    "queue_full": "Connections closed because the peer did not read.",
    "slow": "Connections closed because a message did not become complete in time.",
    "broken": "Connections closed because the stream made no sense.",
    "pings": "Keep-alives of streams.",
}


class CoreStatistics(Module, name="core_statistics", events=[E_CORE_LOG, E_CORE_THRESHOLD]):
    """What the server counts before any module does."""

    rcv_requests: Any = counter("Requests received.", group="core")
    rcv_replies: Any = counter("Responses received.", group="core")
    fwd_requests: Any = counter("Requests forwarded without a transaction.", group="core")
    fwd_replies: Any = counter("Responses forwarded without a transaction.", group="core")
    drop_requests: Any = counter("Requests dropped, by the script or as unusable.", group="core")
    drop_replies: Any = counter("Responses dropped, by the script or as unusable.", group="core")
    err_requests: Any = counter("Requests that could not be used.", group="core")
    err_replies: Any = counter("Responses that could not be used.", group="core")
    bad_msg_hdr: Any = counter("Messages with a header that breaks RFC 3261.", group="core")
    bad_uris: Any = counter("Requests whose Request-URI cannot be read.", name="bad_URIs_rcvd", group="core")

    unsupported_methods: Any = counter("Requests of a method that no RFC knows (2.1 alone counts them).", group="core")
    slow_messages: Any = counter("Messages whose handling took longer than execmsgthreshold.", group="core")
    cdb_total_queries: Any = counter("Operations on key-value stores, whatever module has them.", group="cdb")
    cdb_slow_queries: Any = counter("Operations on key-value stores that took longer than the exec_threshold of their "
                                    "module.", group="cdb")
    dns_slow_queries: Any = counter("Queries of the DNS that took longer than execdnsthreshold.", group="dns")
    sql_total_queries: Any = counter("Operations that SQL databases have answered.", group="sql")
    sql_slow_queries: Any = counter("Operations that took longer than the exec_query_threshold of their driver.",
                                    group="sql")

    def start(self) -> None:
        """List what the dialect has."""
        foreign = (("core", "unsupported_methods"),) if self.dialect == "4.0" else \
            (("sql", "sql_total_queries"), ("sql", "sql_slow_queries"))
        for group, name in foreign:
            self.services.statistics.forget(group, name)

    @statistic(group="dns")
    def dns_total_queries(self) -> int:
        """Queries of the DNS, answers from our own cache not among them."""
        return int(self.services.resolver.records.queries)

    @statistic(group="core", scope="any")
    def timestamp(self) -> int:
        """Seconds since the server was started."""
        return int(time.time() - self.services.started)


def stream_counters(statistics: Statistics) -> Counters:
    """What the transports of all workers count together, as `net:stream_...`."""
    return Counters(**{name: statistics.counter("net", f"stream_{name}", text) for name, text in STREAMS.items()})
