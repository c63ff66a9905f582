"""Management over HTTP: JSON-RPC in the dialect of 4.0, pages for a browser in that of 2.1."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from opensips_py.mi import jsonrpc
from opensips_py.mi.html import Pages
from opensips_py.mi.http import JSON, TEXT, Request, Response
from opensips_py.module import Between, Module, param, uses

if TYPE_CHECKING:
    from opensips_py.modules.httpd import Httpd


class MiHttp(Module, name="mi_http", provides=("management",)):
    """Management commands over HTTP."""

    httpd: Httpd = uses("httpd")
    root: str = param("mi", "First part of the path.", aliases=("mi_http_root",))
    mi_http_method: Annotated[int, Between(0, 1)] = param(0, "How the pages of 2.1 send commands: 0 GET, 1 POST.")
    pretty_printing: bool = param(0, "Whether JSON answers take several lines.")

    def start(self) -> None:
        """Answer below the root."""
        if self.dialect == "2.1":
            pages = Pages(self.services.mi, self.registry, self.root, bool(self.mi_http_method), lines=True)
            self.httpd.register(self.root, self.name, pages.respond)
        else:
            self.httpd.register(self.root, self.name, self.respond)

    def respond(self, request: Request) -> Response:
        """The answer to a JSON-RPC request."""
        if request.method != "POST":
            return Response("POST a JSON-RPC request here.", TEXT, 405, [("Allow", "POST")])
        return Response(jsonrpc.answer(request.body, self.services.mi.call, self.pretty_printing) or "", JSON)
