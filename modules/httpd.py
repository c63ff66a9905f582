"""An HTTP server that other modules answer under paths of their own."""
from __future__ import annotations

import base64
import hmac
import ssl
from collections.abc import Callable, Iterable
from typing import Annotated, Any
from urllib.parse import parse_qs, unquote

from gevent import pywsgi, socket
from gevent.ssl import SSLContext

from opensips_py.mi.http import Handler, Refusal, Request, Response, refusal
from opensips_py.module import Between, ConfigError, Module, by_dialect, mi, param, process_state
from opensips_py.sip import is_ip

STATUSES = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
            413: "Content Too Large", 500: "Internal Server Error"}
# GnuTLS's words for strength, which tls_ciphers is written in, as OpenSSL's
STRENGTHS = {"SECURE256": "AES256:CHACHA20:!aNULL", "SECURE192": "AES256:CHACHA20:!aNULL", "SECURE128": "HIGH:!aNULL",
             "NORMAL": "DEFAULT", "PERFORMANCE": "DEFAULT", "PFS": "ECDHE:DHE:!aNULL"}
VERSIONS = {"TLS1.0": ssl.TLSVersion.TLSv1, "TLS1.1": ssl.TLSVersion.TLSv1_1, "TLS1.2": ssl.TLSVersion.TLSv1_2,
            "TLS1.3": ssl.TLSVersion.TLSv1_3}


class Server:
    """The listening server of this process; the module of each generation in turn answers."""

    def __init__(self) -> None:
        self.server: pywsgi.WSGIServer | None = None
        self.key: tuple[Any, ...] = ()
        self.owner: Httpd | None = None

    def application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The WSGI application: whatever the current generation says."""
        assert self.owner is not None
        response = self.owner.respond(environ)
        body = response.body.encode("utf-8", "surrogateescape")
        headers = [("Content-Type", response.content_type), ("Content-Length", str(len(body))), *response.headers]
        start_response(f"{response.status} {STATUSES[response.status]}", headers)
        return [body]


class Httpd(Module, name="httpd", provides=("management",)):
    """An HTTP server; the modules that answer register the first part of the path."""

    ip: str = param(by_dialect(v21="", v40="127.0.0.1"), "Address to listen on; empty: all.")
    port: Annotated[int, Between(1024, 65535)] = param(8888, "Port to listen on.")
    buf_size: int = param(0, "Longest answer, in bytes; 0: no limit.")
    post_buf_size: Annotated[int, Between(256, 1 << 30)] = param(
        1024, "Longest body of a request, in bytes; the larger of this and receive_buf_size counts.")
    receive_buf_size: int = param(1024, "Longest body of a request, in bytes.")
    conn_timeout: int = param(30, "Seconds after which an idle connection is closed; 0: never.")
    tls_cert_file: str = param("", "Certificate; with it and its key, the server speaks TLS alone.")
    tls_key_file: str = param("", "Private key of the certificate.")
    tls_ciphers: str = param("SECURE256:+SECURE192:-VERS-ALL:+VERS-TLS1.2",
                             "Ciphers and versions of TLS, as GnuTLS or as OpenSSL writes them.")
    auth_realm: str = param("OpenSIPS MI", "Realm of the authentication.")
    auth_username: str = param("", "User name that requests have to give; empty: no authentication.")
    auth_password: str = param("", "Password that requests have to give.")

    shared: Server = process_state(Server)

    def load(self) -> None:
        """Check the parameters."""
        self.roots: dict[str, tuple[str, Handler, Refusal]] = {}
        if bool(self.tls_cert_file) != bool(self.tls_key_file):
            raise ConfigError("certificate and key go together", self.name, "tls_cert_file")
        if self.ip and not is_ip(self.ip):
            raise ConfigError(f"{self.ip} is no IP address", self.name, "ip")
        self.context = self.tls()

    def start(self) -> None:
        """Listen, or go on with the socket that the generation before has."""
        shared, key = self.shared, (self.ip, self.port, self.tls_cert_file, self.tls_key_file, self.tls_ciphers)
        shared.owner = self
        if shared.key == key:
            return
        self.end()
        shared.server, shared.key = self.listening(), key
        shared.server.start()

    def stop(self) -> None:
        """Close the socket, unless the next generation has taken it over."""
        if self.shared.owner is self:
            self.end()

    def end(self) -> None:
        """Close the socket."""
        if self.shared.server is not None:
            self.shared.server.stop(timeout=0)
        self.shared.server, self.shared.key = None, ()

    def register(self, root: str, module: str, handler: Handler, refuse: Refusal = refusal) -> None:
        """Have *handler* answer requests below /*root*; what is too long *refuse* answers, in the handler's format."""
        root = root.strip("/")
        if root in self.roots and self.roots[root][0] != module:
            raise ConfigError(f"the path /{root} is taken by module {self.roots[root][0]}", module, "root")
        self.roots[root] = module, handler, refuse

    @mi("httpd_list_root_path", v40="httpd:list_root_path")
    def list_root_path(self) -> list[dict[str, str]]:
        """The paths that modules answer under."""
        return [{"http_root": root} for root in self.roots]

    def listening(self) -> pywsgi.WSGIServer:
        """The server, bound."""
        bound = socket.socket(socket.AF_INET6 if ":" in self.ip else socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((self.ip, self.port))
        except OSError as error:
            bound.close()
            raise ConfigError(f"{self.ip or '*'}:{self.port} cannot be bound: {error.strerror}", self.name,
                              "port") from None
        bound.listen(128)
        tls: dict[str, Any] = {"ssl_context": self.context} if self.context is not None else {}
        server: pywsgi.WSGIServer = pywsgi.WSGIServer(
            bound, self.shared.application, log=None, error_log=self.log,
            handler_class=connection_class(self.shared), **tls)
        return server

    def tls(self) -> SSLContext | None:
        """What TLS needs, if it is asked for."""
        if not self.tls_cert_file:
            return None
        context = SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.tls_cert_file, self.tls_key_file)
        except OSError as error:
            raise ConfigError(f"certificate or key cannot be used: {error}", self.name, "tls_cert_file") from None
        try:
            restrict(context, self.tls_ciphers)
        except (ssl.SSLError, ValueError) as error:
            raise ConfigError(f"{self.tls_ciphers}: {error}", self.name, "tls_ciphers") from None
        return context

    def respond(self, environ: dict[str, Any]) -> Response:
        """The answer to one request."""
        if not self.is_allowed(environ.get("HTTP_AUTHORIZATION", "")):
            return Response("", status=401, headers=[("WWW-Authenticate", f'Basic realm="{self.auth_realm}"')])
        parts = [unquote(part) for part in environ["PATH_INFO"].strip("/").split("/")]
        known = self.roots.get(parts[0])
        if known is None:
            return Response("<html><body>Unable to find URL!</body></html>", status=404)
        _, handler, refuse = known
        body = self.body(environ)
        if body is None:
            return refuse(413, "The request is longer than receive_buf_size.")
        query = {name: values[-1] for name, values in parse_qs(environ["QUERY_STRING"], True).items()}
        response = handler(Request(environ["REQUEST_METHOD"], parts[1:], query, body, environ.get("CONTENT_TYPE", "")))
        if self.buf_size and len(response.body.encode("utf-8", "surrogateescape")) > self.buf_size:
            return refuse(500, "The answer is longer than buf_size.")
        return response

    def body(self, environ: dict[str, Any]) -> bytes | None:
        """The body of a request, whether it says how long it is or comes in chunks; None where it is too long."""
        most = max(self.post_buf_size, self.receive_buf_size)
        if int(environ.get("CONTENT_LENGTH") or 0) > most:
            return None
        read: bytes = environ["wsgi.input"].read(most + 1)
        return read if len(read) <= most else None

    def is_allowed(self, authorization: str) -> bool:
        """Whether a request gives the user name and the password, where they are asked for."""
        if not self.auth_username:
            return True
        expected = base64.b64encode(f"{self.auth_username}:{self.auth_password}".encode())
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "basic" and hmac.compare_digest(given.strip().encode(), expected)


def connection_class(shared: Server) -> type[pywsgi.WSGIHandler]:
    """The class of connections, which end when they are idle for too long."""
    class Connection(pywsgi.WSGIHandler):
        def handle(self) -> None:
            seconds = shared.owner.conn_timeout if shared.owner is not None else 0
            self.socket.settimeout(seconds or None)
            super().handle()
    return Connection


def restrict(context: SSLContext, text: str) -> None:
    """Let *context* use the versions and ciphers that *text* allows."""
    words = text.split(":")
    if not any(word.lstrip("+-!") in STRENGTHS or "VERS-" in word for word in words):
        context.set_ciphers(text)
        return
    versions = [VERSIONS[word.removeprefix("+VERS-")] for word in words
                if word.startswith("+VERS-") and word.removeprefix("+VERS-") in VERSIONS]
    if versions:
        context.minimum_version, context.maximum_version = min(versions), max(versions)
    ciphers = [STRENGTHS[word.lstrip("+")] for word in words if word.lstrip("+") in STRENGTHS]
    if ciphers:
        context.set_ciphers(":".join(dict.fromkeys(ciphers)))
