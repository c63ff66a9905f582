"""Core functions that rewrite the Request-URI and the destination URI."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.module.kinds import Writable
from opensips_py.module.marks import script
from opensips_py.module.run import Route
from opensips_py.script import uris
from opensips_py.script.pvars_request import parsed
from opensips_py.sip import Request

if TYPE_CHECKING:
    import logging


class UriFunctions:
    """Functions on the Request-URI."""

    log: logging.Logger

    @script(Route.ANY, name="seturi")
    @script(Route.ANY, name="rewriteuri")
    def set_uri(self, request: Request, uri: str) -> bool:
        """Make *uri* the Request-URI."""
        if not request.is_request or not uri:
            return False
        request.uri = uri
        return True

    @script(Route.ANY, name="sethost")
    @script(Route.ANY, name="seth")
    @script(Route.ANY, name="rewritehost")
    def set_host(self, request: Request, host: str) -> bool:
        """Make *host* the host of the Request-URI; its port stays."""
        return self.rewrite(request, uris.with_host(request.uri, host)) if request.is_request else False

    @script(Route.ANY, name="sethostport")
    @script(Route.ANY, name="sethp")
    @script(Route.ANY, name="rewritehostport")
    def set_hostport(self, request: Request, hostport: str) -> bool:
        """Make *hostport* (host or host:port) the host and port of the Request-URI."""
        return self.rewrite(request, uris.with_hostport(request.uri, hostport)) if request.is_request else False

    @script(Route.ANY, name="setport")
    @script(Route.ANY, name="setp")
    @script(Route.ANY, name="rewriteport")
    def set_port(self, request: Request, port: str) -> bool:
        """Make *port* the port of the Request-URI."""
        return self.rewrite(request, uris.with_port(request.uri, port)) if request.is_request else False

    @script(Route.ANY, name="setuser")
    @script(Route.ANY, name="setu")
    @script(Route.ANY, name="rewriteuser")
    def set_user(self, request: Request, user: str) -> bool:
        """Make *user* the user of the Request-URI."""
        return self.rewrite(request, uris.with_user(request.uri, user)) if request.is_request else False

    @script(Route.ANY, name="setuserpass")
    @script(Route.ANY, name="setup")
    @script(Route.ANY, name="rewriteuserpass")
    def set_userinfo(self, request: Request, userinfo: str) -> bool:
        """Make *userinfo*, user or user:password, the user and password in the Request-URI."""
        return self.rewrite(request, uris.with_userinfo(request.uri, userinfo)) if request.is_request else False

    @script(Route.ANY)
    def prefix(self, request: Request, prefix: str) -> bool:
        """Put *prefix* before the user of the Request-URI."""
        return self.rewrite(request, uris.prefixed(request.uri, prefix)) if request.is_request else False

    @script(Route.ANY)
    def strip(self, request: Request, count: int) -> bool:
        """Take the first *count* characters off the user of the Request-URI."""
        return self.rewrite(request, uris.stripped(request.uri, max(0, count))) if request.is_request else False

    @script(Route.ANY)
    def strip_tail(self, request: Request, count: int) -> bool:
        """Take the last *count* characters off the user of the Request-URI."""
        return self.rewrite(request, uris.tail_stripped(request.uri, max(0, count))) if request.is_request else False

    def rewrite(self, request: Request, uri: str) -> bool:
        """Make *uri* the Request-URI."""
        request.uri = uri
        return True

    @script(Route.ANY)
    def revert_uri(self, request: Request) -> bool:
        """Go back to the Request-URI as it was received."""
        if not request.is_request:
            return False
        request.uri = request.original_uri
        return True

    @script(Route.ANY)
    @script(Route.ANY, name="setduri")
    def setdsturi(self, request: Request, uri: str) -> bool:
        """Send the request to *uri*, whatever its Request-URI says."""
        if not request.is_request or parsed(uri) is None:
            self.log.error("setdsturi: %r is no SIP URI", uri)
            return False
        request.destination = uri
        return True

    @script(Route.ANY)
    @script(Route.ANY, name="resetduri")
    def resetdsturi(self, request: Request) -> bool:
        """Send the request where its Request-URI says."""
        request.destination = None
        return True

    @script(Route.ANY)
    @script(Route.ANY, name="isduriset")
    def isdsturiset(self, request: Request) -> bool:
        """Whether a destination URI is set."""
        return request.destination is not None

    @script(Route.ANY)
    def construct_uri(self, protocol: str, user: str | None, domain: str, port: str | None, extra: str | None,
                      result: Writable) -> bool:
        """Put a URI together from its parts; those that are NULL or empty are left out."""
        if not protocol or not domain:
            return False
        result.set(f"{protocol}:{user + '@' if user else ''}{domain}{':' + port if port else ''}"
                   f"{';' + extra.lstrip(';') if extra else ''}")
        return True
