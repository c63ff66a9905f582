"""HTTP requests from the script."""
from __future__ import annotations

from typing import Annotated, Any

from opensips_py.module import Between, ConfigError, Module, Route, Run, Writable, param, script, transformation
from opensips_py.modules.rest_client.client import Answer, Client, Request
from opensips_py.modules.rest_client.connecting import Connecting
from opensips_py.modules.rest_client.escaping import escaped, unescaped

OLD_ROUTES = (Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.STARTUP | Route.TIMER)
FORM = "application/x-www-form-urlencoded"
HEADERS = "rest_client headers"  # of the next request of a run, in Run.extra
Seconds = Annotated[int, Between(1, 86400)]


class RestClient(Module, name="rest_client"):
    """Ask HTTP servers. The run that asks waits alone, with or without async(): no other call does. Connections are
    kept and used again.

    Functions give 1, or in 4.0: -1 connection refused, -2 no connection in time, -3 no answer in time, -4 somebody else
    is connecting to that server, -10 anything else; in 2.1 -1 for all of these."""

    connection_timeout: Seconds = param(20, "Seconds for a connection.")
    curl_timeout: Seconds = param(20, "Seconds for a whole transfer, the connection included.")
    connect_poll_interval: Annotated[int, Between(1, 10000)] = param(
        20, "Accepted without effect: the event loop tells when a connection is there, nobody has to look.")
    max_async_transfers: Annotated[int, Between(1, 1_000_000)] = param(
        100, "Transfers that one worker has at a time; further ones wait for their turn.")
    max_transfer_size: Annotated[int, Between(0, 1 << 30)] = param(
        10240, "KiB that an answer may have; a longer one is an error. 0: no limit.")
    ssl_verifypeer: bool = param(1, "Whether the certificate of a server is verified.")
    ssl_verifyhost: bool = param(1, "Whether the certificate has to be for the host of the URL.")
    ssl_capath: str = param("", "A folder or file with the authorities to trust in place of the system's.")
    curl_http_version: Annotated[int, Between(0, 5)] = param(
        0, "1: HTTP 1.0. Anything else is HTTP 1.1, which is what HTTP 2 falls back to.")
    enable_expect_100: bool = param(
        0, "Whether requests with more than 1024 bytes say `Expect: 100-continue`; the body follows at once.")
    no_concurrent_connects: bool = param(0, "Whether one worker alone may connect to a host at a time.")
    curl_conn_lifetime: Annotated[int, Between(0, 1 << 30)] = param(
        0, "With no_concurrent_connects: seconds for which a worker may count on a connection that it has made.")

    def load(self) -> None:
        if self.curl_timeout < self.connection_timeout and self.dialect == "4.0":
            self.connection_timeout = self.curl_timeout
        try:
            self.client = Client(self)
        except OSError as error:
            raise ConfigError(f"ssl_capath {self.ssl_capath}: {error}", module=self.name,
                              parameter="ssl_capath") from None

    def start(self) -> None:
        self.connecting = Connecting(self.services, self.connection_timeout, self.curl_conn_lifetime)

    def stop(self) -> None:
        self.client.close()

    @script(OLD_ROUTES, name="rest_get", waits=True, dialect="2.1")
    def get_21(self, run: Run, url: str, body_pv: Writable, ctype_pv: Writable | None = None,
               retcode_pv: Writable | None = None) -> bool:
        """Get *url*: the body of the answer goes to *body_pv*, its Content-Type to *ctype_pv*, its status to
        *retcode_pv*, which is 0 where nothing came."""
        return self.fetch(run, Request("GET", url), body_pv, ctype_pv, retcode_pv) > 0

    @script(Route.ANY, waits=True, dialect="4.0")
    def rest_get(self, run: Run, url: str, body_pv: Writable, ctype_pv: Writable | None = None,
                 retcode_pv: Writable | None = None) -> int:
        """Get *url*: the body of the answer goes to *body_pv*, its Content-Type to *ctype_pv*, its status to
        *retcode_pv*, which is 0 where nothing came."""
        return self.fetch(run, Request("GET", url), body_pv, ctype_pv, retcode_pv)

    @script(OLD_ROUTES, name="rest_post", waits=True, dialect="2.1")
    def post_21(self, run: Run, url: str, send_body: str, send_ctype: str | None, recv_body_pv: Writable,
                recv_ctype_pv: Writable | None = None, retcode_pv: Writable | None = None) -> bool:
        """Post *send_body*, of the type *send_ctype*, to *url*; the answer goes where rest_get puts it."""
        return self.fetch(run, Request("POST", url, send_body, send_ctype or FORM), recv_body_pv, recv_ctype_pv,
                          retcode_pv) > 0

    @script(Route.ANY, waits=True, dialect="4.0")
    def rest_post(self, run: Run, url: str, send_body: str, send_ctype: str | None, recv_body_pv: Writable,
                  recv_ctype_pv: Writable | None = None, retcode_pv: Writable | None = None) -> int:
        """Post *send_body*, of the type *send_ctype*, to *url*; the answer goes where rest_get puts it."""
        return self.fetch(run, Request("POST", url, send_body, send_ctype or FORM), recv_body_pv, recv_ctype_pv,
                          retcode_pv)

    @script(Route.ANY, waits=True, dialect="4.0")
    def rest_put(self, run: Run, url: str, send_body: str, send_ctype: str | None, recv_body_pv: Writable,
                 recv_ctype_pv: Writable | None = None, retcode_pv: Writable | None = None) -> int:
        """Put *send_body*, of the type *send_ctype*, at *url*; the answer goes where rest_get puts it."""
        return self.fetch(run, Request("PUT", url, send_body, send_ctype or FORM), recv_body_pv, recv_ctype_pv,
                          retcode_pv)

    @script(Route.ANY, dialect="4.0")
    def rest_append_hf(self, run: Run, txt: str) -> bool:
        """Send the header *txt* ("Name: value") with the next request of this run."""
        name, colon, value = txt.partition(":")
        if not colon or not name.strip() or "\n" in txt or "\r" in txt:
            self.log.error("rest_append_hf: %r is no header", txt)
            return False
        run.extra = run.extra if run.extra is not None else {}
        run.extra.setdefault(HEADERS, []).append((name.strip(), value.strip()))
        return True

    @transformation("rest.escape")
    def escape(self, value: Any) -> str:
        """The text as it may stand in a URL: all but letters, digits and -._~ as %XX (RFC 3986)."""
        return escaped(str(value))

    @transformation("rest.unescape")
    def unescape(self, value: Any) -> str:
        """The text with its %XX resolved."""
        return unescaped(str(value))

    def fetch(self, run: Run, request: Request, body: Writable, content_type: Writable | None,
              status: Writable | None) -> int:
        """Send *request* and put the answer into variables; the code of the function."""
        request.headers += (run.extra or {}).pop(HEADERS, [])
        answer = self.ask(request)
        if answer.code < 0:
            self.log.error("%s %s: %s", request.method, request.url, answer.why)
        if answer.code > 0 or answer.status:
            body.set(answer.body.decode("utf-8", "surrogateescape"))
        for variable, value in ((content_type, answer.content_type), (status, answer.status)):
            if variable is not None:
                variable.set(value)
        return answer.code

    def ask(self, request: Request) -> Answer:
        """Send *request*, when it may be sent."""
        if not self.no_concurrent_connects:
            return self.client.send(request)
        with self.connecting.to(request.host) as alone:
            return self.client.send(request) if alone else Answer(-4, "somebody else is connecting to that host")
