"""t_new_request: requests of our own, from the script."""
from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Route, Run, script
from opensips_py.sip import NameAddr, Uri

if TYPE_CHECKING:
    import logging

    from opensips_py.module.services import Services
    from opensips_py.transaction import TransactionLayer

ANYWHERE = (Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.ERROR | Route.LOCAL | Route.STARTUP
            | Route.TIMER | Route.EVENT)


class Originating:
    """Functions that send requests which belong to nothing else."""

    layer: TransactionLayer
    services: Services
    log: logging.Logger

    @script(ANYWHERE, name="t_new_request")
    def new_request(self, run: Run, method: str, ruri: str, from_: str, to: str, body: str = "",
                    ctx: str = "") -> bool:
        """Send a request that has nothing to do with the one at hand. *from* and *to* are "[display ]URI", *body*
        begins with its content type; the local route sees *ctx* as $avp(uac_ctx)."""
        try:
            target = Uri.parse(ruri)
            from_value, to_value = f"{address(from_)};tag={token_hex(8)}", address(to)
        except MalformedMessage as error:
            self.log.error("t_new_request: %s", error)
            return False
        content_type, _, content = body.partition(" ")
        how: dict[str, Any] = {"from_": from_value, "to": to_value, "body": content.encode("utf-8", "surrogateescape"),
               "content_type": content_type if content else "", "avps": {"uac_ctx": [ctx]} if ctx else None}
        if self.services.resolver.literal(target) is None:
            self.services.spawn(self.send, method, ruri, how)  # DNS makes it wait, which is not the caller's business
            return True
        return self.send(method, ruri, how)

    def send(self, method: str, uri: str, how: dict[str, Any]) -> bool:
        """Send it, under a Call-ID of its own."""
        try:
            return self.layer.originate(method, uri, call_id=self.layer.new_call_id(),
                                        generation=self.services.generation, **how) is not None
        except MalformedMessage as error:
            self.log.error("t_new_request: %s", error)
            return False


def address(text: str) -> str:
    """``[display ]URI`` as a header value."""
    if "<" in text:
        return str(NameAddr.parse(text))
    display, _, uri = text.strip().rpartition(" ")
    Uri.parse(uri)
    display = display.strip()
    if display and not display.startswith('"'):
        display = f'"{display}"'
    return f"{display} <{uri}>".strip()
