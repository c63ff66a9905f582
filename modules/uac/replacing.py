"""uac_replace_from and its like: other names in From and To, and the old ones again on the way back."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Route, Run, Services, script
from opensips_py.module.hidden import Hidden
from opensips_py.module.numbering import Scope
from opensips_py.modules.uac.changes import changes_of, scope_of, watch_now
from opensips_py.sip import Uri
from opensips_py.sip.digest import UNQUOTABLE, quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from opensips_py.sip import NameAddr, Request

ANYWHERE = Route.REQUEST | Route.FAILURE | Route.BRANCH
LONGEST_URI = 1024
OTHER = {"from_": "to", "to": "from_"}
TOKEN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~")


class Replacing:
    """Functions that change From and To."""

    log: logging.Logger
    services: Services
    rr: Any
    restore_mode: str
    rr_from_store_param: str
    rr_to_store_param: str
    hidden: Hidden
    keep_with_dialog: Callable[..., bool]

    @script(ANYWHERE, dialect="4.0")
    def uac_replace_from(self, run: Run, display: str | None, uri: str) -> bool:
        """Put *display* and *uri* into From. An empty *display* takes the name away, one that is left out lets it be;
        an empty *uri* lets the URI be. Once per request, or in branch and failure routes once per branch."""
        return self.replace(run, "from_", display, uri)

    @script(ANYWHERE, dialect="4.0")
    def uac_replace_to(self, run: Run, display: str | None, uri: str) -> bool:
        """Put *display* and *uri* into To, as uac_replace_from does into From."""
        return self.replace(run, "to", display, uri)

    @script(ANYWHERE, name="uac_replace_from", dialect="2.1")
    def uac_replace_from_21(self, run: Run, display: str, uri: str | None = None) -> bool:
        """Put *display* and *uri* into From; an empty one takes the name away, or lets the URI be. With one argument,
        that is the URI. Once per request, or in branch and failure routes once per branch."""
        return self.replace(run, "from_", *((None, display) if uri is None else (display, uri)))

    @script(ANYWHERE, name="uac_replace_to", dialect="2.1")
    def uac_replace_to_21(self, run: Run, display: str, uri: str | None = None) -> bool:
        """Put *display* and *uri* into To, as uac_replace_from does into From."""
        return self.replace(run, "to", *((None, display) if uri is None else (display, uri)))

    @script(ANYWHERE)
    def uac_restore_from(self, run: Run) -> bool:
        """Put the URIs right of a dialog whose From was replaced: what Record-Route has kept goes into From of the
        caller's requests and To of the callee's; after loose_route. Only needed with restore_mode manual."""
        return self.restore(run.message, "from_")

    @script(ANYWHERE)
    def uac_restore_to(self, run: Run) -> bool:
        """Put the URIs right of a dialog whose To was replaced, as uac_restore_from does for From."""
        return self.restore(run.message, "to")

    def replace(self, run: Run, name: str, display: str | None, uri: str) -> bool:
        """Replace what is given in one header."""
        request: Request = run.message
        title = "From" if name == "from_" else "To"
        if self.restore_mode == "auto" and uri and request.to_tag:
            self.log.error("%s is not replaced within a dialog, which restore_mode auto sees to", title)
            return False
        changes = changes_of(request, self)
        scope = scope_of(run)
        if any(each in changes.replaced for each in ((name, None), (name, scope))):
            self.log.error("%s has been replaced already", title)
            return False
        try:
            address: NameAddr = getattr(request, name)
            if uri:
                Uri.parse(uri)
        except MalformedMessage as error:
            self.log.error("%s cannot be replaced: %s", title, error)
            return False
        if uri and not self.keep(run, request, name, address.uri, uri, scope):
            return False
        back = self.restore_mode != "none"
        changes.swap(request, name, address, name_addr(request, address, display, uri), back=back)
        changes.replaced.append((name, scope))
        if back:
            watch_now(self.services.transactions, request, changes)
        return True

    def keep(self, run: Run, request: Request, name: str, old: str, new: str, scope: Scope) -> bool:
        """Keep both URIs with the dialog, or in Record-Route, for what comes later in it."""
        if self.restore_mode == "none":
            return True
        if self.restore_mode == "auto" and self.keep_with_dialog(run, request, name, old, new, scope):
            return True
        if self.rr is None:
            self.log.error("module rr is needed to restore what is replaced; or set restore_mode none")
            return False
        if len(old) > LONGEST_URI or len(new) > LONGEST_URI:
            self.log.error("a URI of more than %d characters cannot be kept", LONGEST_URI)
            return False
        text = f";{self.parameter(name)}={self.hidden.hide(old, new)}"
        if scope is None:
            self.rr.add_parameter(run, text)
        else:
            changes_of(request, self).parameters.append((scope, text))
        return True

    def parameter(self, name: str) -> str:
        """The Record-Route parameter for one header."""
        return self.rr_from_store_param if name == "from_" else self.rr_to_store_param

    def restore(self, request: Request, name: str) -> bool:
        """Replace the URI of one header in a request of a dialog: the caller's as the callee knows it, and back."""
        word = self.rr.route_parameter(request, self.parameter(name)) if self.rr is not None else None
        if not word:
            return False
        kept = self.hidden.show(word)
        if kept is None:
            self.log.info("a Route parameter %s that is none of ours", self.parameter(name))
            return False
        return self.put_back(request, name, *kept, downstream=self.rr.direction(request) == "downstream")

    def put_back(self, request: Request, name: str, old: str, new: str, *, downstream: bool) -> bool:
        """Replace *old* by *new* in one header of a request of the caller, or the other way round for the callee."""
        header = name if downstream else OTHER[name]
        present, wanted = (old, new) if downstream else (new, old)
        try:
            address: NameAddr = getattr(request, header)
            if address.uri != present and not address.parsed_uri.equals(Uri.parse(present)):
                return False  # it is no longer what it was: whoever changed it had a reason
        except MalformedMessage:
            return False
        changes = changes_of(request, self)
        changes.swap(request, header, address, name_addr(request, address, None, wanted), back=True)
        watch_now(self.services.transactions, request, changes)
        return True


def name_addr(request: Request, address: NameAddr, display: str | None, uri: str) -> bytes:
    """Display name and URI of *address*, with *display* and *uri* in place of its own, where they are given."""
    data, start = request.data, address.uri_start
    bracketed = data[start - 1:start] == b"<"
    if display is None:
        front = data[address.start:start - 1] if bracketed else b""
    else:
        front = quoted(display).encode("utf-8", "surrogateescape") + b" " if display else b""
    back = uri.encode("utf-8", "surrogateescape") if uri else data[start:address.uri_end]
    return b"%s<%s>" % (front, back)


def quoted(display: str) -> str:
    """A display name as it may stand: quoted already, a single word, or put into quotes."""
    clean = display.translate(UNQUOTABLE)
    if TOKEN.issuperset(clean):
        return clean
    inner = clean[1:-1].replace("\\\\", "").replace('\\"', "")
    if len(clean) >= 2 and clean[0] == clean[-1] == '"' and '"' not in inner and not inner.endswith("\\"):
        return clean
    return quote(clean)
