"""Remote-Party-ID: telling the next hop who calls."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from opensips_py.errors import MalformedMessage
from opensips_py.module import Route, Run, VariableSpec, script
from opensips_py.sip import NameAddr
from opensips_py.sip.uris import has_e164_user

if TYPE_CHECKING:
    from opensips_py.sip import Request

LATER = Route.REQUEST | Route.FAILURE | Route.BRANCH


class RemoteParty:
    """Functions on the identity that rpid_avp holds, from a table of users or from the script."""

    log: logging.Logger
    identity_spec: VariableSpec | None
    rpid_prefix: str
    rpid_suffix: str

    def identity(self, run: Run) -> str | None:
        """The identity; None where there is none."""
        if self.identity_spec is None:
            self.log.error("rpid_avp names no AVP")
            return None
        value = self.identity_spec.read(run)
        return value if isinstance(value, str) and value else None

    @script(Route.REQUEST)
    def is_rpid_user_e164(self, run: Run) -> bool:
        """Whether the user of the URI in rpid_avp is an E.164 number: + and up to 15 digits."""
        identity = self.identity(run)
        if identity is None:
            return False
        try:
            uri = NameAddr.parse(identity).uri if "<" in identity else identity
        except MalformedMessage:
            return False
        return has_e164_user(uri)

    @script(LATER, dialect="4.0")
    def append_rpid_hf(self, run: Run, prefix: str | None = None, suffix: str | None = None) -> bool:
        """Add a Remote-Party-ID with the identity in rpid_avp between *prefix* and *suffix*, by default rpid_prefix and
        rpid_suffix; false where there is no identity."""
        return self.append(run, self.rpid_prefix if prefix is None else prefix,
                           self.rpid_suffix if suffix is None else suffix)

    @script(LATER, name="append_rpid_hf", dialect="2.1")
    def append_rpid_hf_21(self, run: Run, prefix: str | None = None, suffix: str | None = None) -> bool:
        """Add a Remote-Party-ID with the identity in rpid_avp between *prefix* and *suffix*, by default rpid_prefix and
        rpid_suffix; false where there is no identity."""
        return self.append_rpid_hf(run, prefix, suffix)

    def append(self, run: Run, prefix: str, suffix: str) -> bool:
        """Add the header."""
        identity = self.identity(run)
        if identity is None:
            return False
        line = f"Remote-Party-ID: {prefix}{identity}{suffix}"
        if "\r" in line or "\n" in line:
            self.log.error("append_rpid_hf: a line end in the identity")
            return False
        request: Request = run.message
        request.append_header(f"{line}\r\n")
        return True
