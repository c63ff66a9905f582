"""The parameters and statistics of registrar."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import (
    AvpSpec,
    Between,
    ConfigError,
    Counter,
    Flag,
    counter,
    param,
    statistic,
)


class Parameters:
    """What scripts set by modparam, and what management reads."""

    default_expires: int = param(3600, "Seconds that a contact is kept where the request says nothing.")
    min_expires: int = param(60, "The fewest seconds; shorter ones are raised to it; 0: no limit.")
    max_expires: int = param(0, "The most seconds; longer ones are lowered to it; 0: no limit.")
    expires_max_deviation: int = param(0, "Seconds by which a time of expiry is changed at random, up or down.")
    default_q: Annotated[int, Between(-1, 1000)] = param(-1, "q, in thousandths, of contacts without; -1: none.")
    tcp_persistent_flag: Annotated[int, Flag()] = param(
        -1, "Message flag that has the connection of a REGISTER kept open as long as its contacts last.")
    realm_prefix: str = param("", "Beginning of a domain that is left out of the address-of-record.")
    case_sensitive: bool = param(True, "Whether upper and lower case make different addresses-of-record.")
    received_avp: AvpSpec = param(None, "Variable with the URI of the address that the request came from.")
    received_param: str = param("received", "Contact parameter that repeats the received URI in the answer.")
    allow_dup_cseq: bool = param(True, "Accept a REGISTER whose Call-ID and CSeq a binding has already.")
    max_contacts: int = param(0, "The most contacts of one address-of-record; 0: no limit.")
    max_username_len: int = param(64, "The longest user of an address-of-record, in bytes.")
    max_domain_len: int = param(64, "The longest domain of an address-of-record, in bytes.")
    max_aor_len: int = param(256, "The longest address-of-record, in bytes.")
    max_contact_len: int = param(255, "The longest contact URI, in bytes.")
    retry_after: int = param(0, "Seconds in the Retry-After of a 5xx answer; 0: no such header.")
    sock_hdr_name: str = param("", "Header that names the socket in place of the one that received the request.")
    mcontact_avp: AvpSpec = param(
        None, "Variable with the contact as it was forwarded, to be found in the answer of the main registrar.")
    attr_avp: AvpSpec = param(None, "Variable with a text to keep with each contact.")
    gruu_secret: str = param("OpenSIPS", "What temporary GRUUs are hidden with.")
    disable_gruu: bool = param(True, "Make and recognise no GRUUs.")

    accepted_regs: Counter = counter("REGISTERs accepted.")
    rejected_regs: Counter = counter("REGISTERs refused.")

    @statistic("max_expires", scope="any")
    def most_seconds(self) -> int:
        """The value of max_expires."""
        return self.max_expires

    @statistic("max_contacts", scope="any")
    def most_contacts(self) -> int:
        """The value of max_contacts."""
        return self.max_contacts

    @statistic("default_expire", scope="any")
    def usual_seconds(self) -> int:
        """The value of default_expires."""
        return self.default_expires

    def check_numbers(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("default_expires", "min_expires", "max_expires", "max_contacts", "retry_after",
                     "expires_max_deviation"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is not negative", "registrar", name)
        if self.max_expires and self.max_expires < self.min_expires:
            raise ConfigError(f"max_expires {self.max_expires} is less than min_expires {self.min_expires}",
                              "registrar", "max_expires")
