"""The parameters of usrloc."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import Between, CacheDbUrl, ConfigError, DbUrl, Flag, by_dialect, param

STORE = "where contacts are kept is decided when the server starts"
LARGEST = 1 << 16


class Columns:
    """The names of columns of the table `location`."""

    contact_id_column: str = param("contact_id", "4.0: column with the identifier of a contact.")
    user_column: str = param("username", "Column with the user of the address-of-record.")
    domain_column: str = param("domain", "Column with its domain, where use_domain is on.")
    contact_column: str = param("contact", "Column with the URI of the contact.")
    expires_column: str = param("expires", "Column with the time until which the contact is valid.")
    q_column: str = param("q", "Column with the preference; one below 0 stands for none.")
    callid_column: str = param("callid", "Column with the Call-ID of the REGISTER.")
    cseq_column: str = param("cseq", "Column with the CSeq number of the REGISTER.")
    methods_column: str = param("methods", "Column with the methods that the contact takes, as bits; NULL: all.")
    flags_column: str = param("flags", "Column with the internal flags.")
    cflags_column: str = param("cflags", "Column with the names of the branch flags.")
    user_agent_column: str = param("user_agent", "Column with User-Agent of the REGISTER.")
    received_column: str = param("received", "Column with the URI of the address that the REGISTER came from.")
    socket_column: str = param("socket", "Column with the listener that received the REGISTER.")
    path_column: str = param("path", "Column with the values of Path.")
    sip_instance_column: str = param("sip_instance", "Column with the instance that the contact names.")
    kv_store_column: str = param(
        "kv_store", "4.0: column with key/value pairs, as JSON; with them reg-id (RFC 5626) and the ownership tag.")
    attr_column: str = param("attr", "Column with the text that the script keeps with the contact.")


class Parameters(Columns):
    """What scripts set by modparam."""

    nat_bflag: Annotated[int, Flag(scope="branch")] = param(
        -1, "Branch flag that marks a contact as behind NAT; other modules take it from here.")
    use_domain: bool = param(by_dialect(v21=False, v40=True), "Whether the domain is a part of the address-of-record.",
                             fixed=STORE)
    desc_time_order: bool = param(False, "Order contacts by the time of their last update, not by q.")
    timer_interval: int = param(
        60, "Seconds between two turns of the timer, which takes expired contacts out and tells the database what it "
        "has not been told yet.")
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
    db_url: DbUrl = param("", "The database of the tables with contacts; empty: db_default_url.", fixed=STORE)
    cachedb_url: CacheDbUrl = param(
        "", "4.0: the key-value store that keeps contacts in the mode full-sharing-cachedb, which several servers may "
        "share: redis://host/, local://.", fixed=STORE)
    db_mode: Annotated[int, Between(0, 3)] = param(
        0, "2.1: 0 keeps contacts on this machine, without a database; 1 tells the database of each change before the "
        "REGISTER is answered (write-through), 2 every timer_interval (write-back); 3 keeps them in the database "
        "alone, which several servers may share. What a database that is gone has not been told is kept on this "
        "machine, and told when it is back.", fixed=STORE)
    working_mode_preset: str = param(
        "single-instance-no-db", "4.0: single-instance-no-db, single-instance-sql-write-through, "
        "single-instance-sql-write-back and sql-only are the modes 0 to 3 of db_mode; full-sharing-cachedb-cluster "
        "keeps contacts in the store of cachedb_url alone; overrides the three below.", fixed=STORE)
    cluster_mode: str = param(
        "none", "4.0: none, a single instance; sql-only or full-sharing-cachedb, as the presets.", fixed=STORE)
    restart_persistency: str = param(
        "none", "4.0: load-from-sql, the database is read at the start, or none; contacts in the state directory are "
        "there all the same.", fixed=STORE)
    sql_write_mode: str = param(
        "none", "4.0: when the database is told of changes: none (never), write-through or write-back, which is the "
        "default where restart_persistency is load-from-sql; needs that.", fixed=STORE)
    max_contact_delete: Annotated[int, Between(1, LARGEST)] = param(
        10, "4.0: contacts that one statement takes out of the database at most.")
    regen_broken_contactid: bool = param(
        False, "4.0: give a contact in the database whose identifier is none (zero, or too large) a new one; else it "
        "is left out.")

    def check_numbers(self) -> None:
        """Refuse what cannot be meant."""
        if self.timer_interval < 1:
            raise ConfigError("timer_interval is at least one second", "usrloc", "timer_interval")
        if self.cseq_delay < 0:
            raise ConfigError("cseq_delay is not negative", "usrloc", "cseq_delay")
