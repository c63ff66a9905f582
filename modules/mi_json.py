"""Management over HTTP as 2.1's JSON: GET /json/command?params=a,b."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.errors import MIError
from opensips_py.mi import jsonrpc
from opensips_py.mi.http import JSON, TEXT, Request, Response
from opensips_py.mi.text import reason, status
from opensips_py.mi.tree import data_of
from opensips_py.module import Module, param, uses

if TYPE_CHECKING:
    from opensips_py.modules.httpd import Httpd


class MiJson(Module, name="mi_json", provides=("management",)):
    """Management commands by GET requests; the answer is the tree of 2.1 as JSON."""

    httpd: Httpd = uses("httpd")
    mi_json_root: str = param("json", "First part of the path.")

    def start(self) -> None:
        """Answer below the root."""
        self.httpd.register(self.mi_json_root, self.name, self.respond)

    def respond(self, request: Request) -> Response:
        """The answer to one request; arguments stand in `params`, with commas between them."""
        if request.method != "GET":
            return Response("GET a command here.", TEXT, 405, [("Allow", "GET")])
        command = request.path[0] if request.path else ""
        given = request.query.get("params", "")
        try:
            data = self.services.mi.call(command, given.split(",") if given else [])
        except MIError as error:
            failure = {"code": status(error), "message": reason(error, command)}
            return Response(jsonrpc.dump({"error": failure}, pretty=False), JSON, 404 if status(error) == 404 else 500)
        answer = data_of(self.services.mi.tree(command, data))
        return Response(jsonrpc.dump(answer, pretty=False) if answer else "", JSON)
