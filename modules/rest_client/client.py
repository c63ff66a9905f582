"""Requests and answers over connections that are kept."""
from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gevent.lock import BoundedSemaphore

from opensips_py.module import deadline

try:
    import urllib3
    from urllib3 import exceptions
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
except ImportError:
    raise ImportError('urllib3 is missing: pip install "opensips-py[rest]"') from None

if TYPE_CHECKING:
    from opensips_py.modules.rest_client import RestClient

REFUSED, NO_CONNECTION, NO_ANSWER, BROKEN = -1, -2, -3, -10
PIECE = 16384
EXPECTED = 1024  # bytes of a body from which on the server is asked first
HOSTS = 64  # whose connections are kept


@dataclass(slots=True)
class Request:
    """What to ask."""

    method: str
    url: str
    body: str = ""
    content_type: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def whole_url(self) -> str:
        """The URL; one that begins with a host is meant for HTTP."""
        return self.url if "://" in self.url else f"http://{self.url}"

    @property
    def host(self) -> str:
        """The host of the URL."""
        try:
            return (urlsplit(self.whole_url).hostname or "").lower()
        except ValueError:
            return ""


@dataclass(slots=True)
class Answer:
    """What came of it: 1, or a negative code and why."""

    code: int
    why: str = ""
    status: int = 0
    body: bytes = b""
    content_type: str = ""


class Old(HTTPConnection):
    """A connection that speaks HTTP 1.0."""

    _http_vsn, _http_vsn_str = 10, "HTTP/1.0"


class OldOverTls(HTTPSConnection):
    """The same over TLS."""

    _http_vsn, _http_vsn_str = 10, "HTTP/1.0"


class OldPool(HTTPConnectionPool):
    """Connections of HTTP 1.0."""

    ConnectionCls = Old


class OldPoolOverTls(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = OldOverTls


class Client:
    """Sends requests as the parameters of *module* say; it does not hold the module, which holds it."""

    def __init__(self, module: RestClient) -> None:
        self.seconds, self.seconds_to_connect = module.curl_timeout, module.connection_timeout
        self.largest, self.expects = module.max_transfer_size, module.enable_expect_100
        path = module.ssl_capath
        if path and not os.path.exists(path):
            raise FileNotFoundError("there is no such file or folder")
        if not module.ssl_verifypeer:  # which is no news to who has written it
            urllib3.disable_warnings(exceptions.InsecureRequestWarning)
        self.pools = urllib3.PoolManager(
            HOSTS, maxsize=module.max_async_transfers, block=False, retries=False,
            cert_reqs="CERT_REQUIRED" if module.ssl_verifypeer else "CERT_NONE",
            assert_hostname=None if module.ssl_verifyhost else False,
            ca_cert_dir=path if path and os.path.isdir(path) else None,
            ca_certs=path if path and not os.path.isdir(path) else None)
        if module.curl_http_version == 1:
            self.pools.pool_classes_by_scheme = {"http": OldPool, "https": OldPoolOverTls}
        self.places = BoundedSemaphore(module.max_async_transfers)

    def send(self, request: Request) -> Answer:
        """The answer to *request*; never raises for what the network or the server does."""
        answer = Answer(1)
        try:
            with deadline(self.seconds), self.places:
                self.transfer(request, answer)
        except exceptions.NameResolutionError as error:
            return Answer(BROKEN, str(error))
        except exceptions.NewConnectionError as error:
            return Answer(REFUSED, str(error))
        except exceptions.ConnectTimeoutError as error:
            return Answer(NO_CONNECTION, str(error))
        except (TimeoutError, exceptions.TimeoutError) as error:
            answer.code, answer.why = NO_ANSWER, str(error)
        except (exceptions.HTTPError, OSError, ValueError) as error:  # no URL, no HTTP, a broken connection
            return Answer(BROKEN, str(error))
        return answer

    def transfer(self, request: Request, answer: Answer) -> None:
        """Send *request*, and fill *answer* as it comes."""
        until = time.monotonic() + self.seconds
        headers = urllib3.HTTPHeaderDict(request.headers)
        if request.content_type:
            headers.setdefault("Content-Type", request.content_type)
        body = request.body.encode("utf-8", "surrogateescape") if request.content_type else None
        if body is not None and len(body) > EXPECTED and self.expects:
            headers["Expect"] = "100-continue"
        response = self.pools.request(
            request.method, request.whole_url, body=body, headers=headers, preload_content=False, redirect=False,
            timeout=urllib3.Timeout(connect=self.seconds_to_connect, read=self.seconds))
        with released(response):
            answer.status = response.status
            answer.content_type = response.headers.get("Content-Type", "")
            most = self.largest * 1024
            while piece := response.read1(PIECE, decode_content=True):
                answer.body += piece
                if most and len(answer.body) > most:
                    raise ValueError(f"the answer has more than {self.largest} KiB")
                if time.monotonic() > until:
                    raise TimeoutError(f"it took longer than {self.seconds} s")

    def close(self) -> None:
        """Close the connections."""
        self.pools.clear()


@contextlib.contextmanager
def released(response: urllib3.BaseHTTPResponse) -> Iterator[None]:
    """Keep the connection once the answer is complete; close it where something went wrong."""
    try:
        yield
    except BaseException:
        response.close()
        raise
    response.release_conn()
