"""The Request-URI: its parameters and telephone numbers."""
from __future__ import annotations

from opensips_py.module import Route, script
from opensips_py.sip import Request
from opensips_py.sip.uris import add_parameter, has_e164_user, has_parameter, turn_tel_into_sip, without_parameter

SENDING = Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.LOCAL


class RequestUri:
    """Functions on URIs; module uri has most of them in 2.1."""

    @script(SENDING, dialect="4.0")
    def ruri_has_param(self, request: Request, param: str, value: str = "") -> bool:
        """Whether the Request-URI has parameter *param*, with this *value*; without one, as a flag alone."""
        return has_parameter(request, param, value)

    @script(SENDING, dialect="4.0")
    def ruri_add_param(self, request: Request, param: str) -> bool:
        """Add *param* (name=value) to the Request-URI, behind its other parameters."""
        return add_parameter(request, param)

    @script(SENDING, dialect="4.0")
    def ruri_del_param(self, request: Request, param: str) -> bool:
        """Take parameter *param* with its value off the Request-URI; false where it has none of that name."""
        changed = without_parameter(request.uri, param)
        if changed is None:
            return False
        request.uri = changed
        return True

    @script(SENDING, dialect="4.0")
    def ruri_tel2sip(self, request: Request) -> bool:
        """Turn a tel URI of the request into a SIP URI at the host of From (RFC 3261, 19.1.6); others stay."""
        return turn_tel_into_sip(request)

    @script(Route.REQUEST | Route.FAILURE | Route.LOCAL, dialect="4.0")
    def is_uri_user_e164(self, uri: str) -> bool:
        """Whether the user of *uri* is an E.164 number: + and 2 to 15 digits."""
        return has_e164_user(uri)
