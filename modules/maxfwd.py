"""Stop looping requests by counting Max-Forwards down (RFC 3261, 16.6)."""
from typing import Annotated

from opensips_py.module import Between, Module, ReturnCode, Route, param, script
from opensips_py.sip import Request

Hops = Annotated[int, Between(1, 256)]


class Processed(ReturnCode):
    """What became of the header; one that cannot be read is refused before the script, so there is no -2."""

    DECREASED, ADDED, EXHAUSTED = 1, 2, -1


class Compared(ReturnCode):
    """How the hops left compare."""

    LESS, NOT_LESS, MISSING = 1, -1, -2


DECREASED = Processed.DECREASED  # to look it up in its class costs as much as the rest of the function


class MaxFwd(Module, name="maxfwd"):
    """Count Max-Forwards down so that looping requests stop."""

    max_limit: Hops = param(256, "Larger values are lowered to this one when the header is counted down.")

    @script(Route.REQUEST, name="mf_process_maxfwd_header")
    def process(self, request: Request, max_value: Annotated[int, Between(1, 256)]) -> Processed:
        """Count Max-Forwards down, or add *max_value* where the header is missing."""
        hops = request.max_forwards
        if hops is None:
            request.max_forwards = min(max_value, self.max_limit)
            return Processed.ADDED
        if hops == 0:
            return Processed.EXHAUSTED
        request.max_forwards = min(hops - 1, self.max_limit)
        return DECREASED

    @script(Route.REQUEST | Route.FAILURE | Route.BRANCH)
    def is_maxfwd_lt(self, request: Request, max_value: Annotated[int, Between(0, 256)]) -> Compared:
        """Whether fewer hops than *max_value* are left, counted as the request will leave."""
        hops = request.max_forwards
        if hops is None:
            return Compared.MISSING
        return Compared.LESS if hops < max_value else Compared.NOT_LESS
