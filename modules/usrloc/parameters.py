"""The parameters of usrloc."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import Between, ConfigError, Flag, by_dialect, param

MODES_THAT_WAIT = {
    "db_mode": "0", "working_mode_preset": "single-instance-no-db", "cluster_mode": "none",
    "restart_persistency": "none", "sql_write_mode": "none"}


class Parameters:
    """What scripts set by modparam."""

    nat_bflag: Annotated[int, Flag(scope="branch")] = param(
        -1, "Branch flag that marks a contact as behind NAT; other modules take it from here.")
    use_domain: bool = param(by_dialect(v21=False, v40=True), "Whether the domain is a part of the address-of-record.")
    desc_time_order: bool = param(False, "Order contacts by the time of their last update, not by q.")
    timer_interval: int = param(60, "Seconds between two searches for expired contacts.")
    matching_mode: Annotated[int, Between(0, 1)] = param(
        0, "Contacts are the same if their URIs are (0), or if their URIs and Call-IDs are (1).")
    cseq_delay: int = param(
        20, "Seconds in which a REGISTER with the same Call-ID and CSeq counts as a retransmission; 0: never.")
    hash_size: Annotated[int, Between(1, 16)] = param(
        9, "What is reported as the size of a table, as a power of two; the store here has no size to choose.")
    latency_event_min_us: int = param(
        0, "4.0: microseconds that the answer to a ping takes at least for E_UL_LATENCY_UPDATE; 0: any.")
    latency_event_min_us_delta: int = param(
        0, "4.0: microseconds by which that time differs at least from the one before; 0: any. One of the two will do.")
    mi_dump_kv_store: bool = param(False, "Whether management lists the key/value pairs of addresses-of-record.")
    db_mode: Annotated[int, Between(0, 3)] = param(0, "2.1: 0 keeps contacts on this machine, without a database.")
    working_mode_preset: str = param(
        "single-instance-no-db", "4.0: single-instance-no-db keeps contacts on this machine, without a database.")
    cluster_mode: str = param("none", "4.0: none, a single instance.")
    restart_persistency: str = param(
        "none", "4.0: none, no database helps at a restart; contacts in the state directory are there all the same.")
    sql_write_mode: str = param("none", "4.0: none, nothing is written to a database.")

    def check_modes(self) -> None:
        """Refuse what needs a database or a cluster: they are not available yet."""
        for name, available in MODES_THAT_WAIT.items():
            given = str(getattr(self, name))
            if given != available:
                raise ConfigError(f'{name} {given} waits for the databases, which are not available yet: '
                                  f'only {available} is', "usrloc", name)
        if self.timer_interval < 1:
            raise ConfigError("timer_interval is at least one second", "usrloc", "timer_interval")
        if self.cseq_delay < 0:
            raise ConfigError("cseq_delay is not negative", "usrloc", "cseq_delay")
