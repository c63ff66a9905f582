"""Management by XML-RPC, under the name that it has in 2.1."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from opensips_py.mi.xmlrpc import XmlRpc
from opensips_py.module import Between, Module, by_dialect, param, uses

if TYPE_CHECKING:
    from opensips_py.modules.httpd import Httpd

TEXT, DATA = 1, 2


class MiXmlrpcNg(Module, name="mi_xmlrpc_ng", provides=("management",)):
    """Management commands by XML-RPC: the method is the command, the params are its arguments. In the dialect of 2.1 an
    answer is one string, the lines that a FIFO would carry, or an array with a struct for each line, which has name,
    value, attributes and children; in that of 4.0 it is as with mi_xmlrpc. An error is a fault."""

    httpd: Httpd = uses("httpd")
    mi_xmlrpc_ng_root: str = param("RPC2", "First part of the path.", aliases=("http_root",))
    format_version: Annotated[int, Between(TEXT, DATA)] = param(
        by_dialect(v21=TEXT, v40=DATA), "How answers are written: 1 as one string, 2 as structs and arrays.")

    def start(self) -> None:
        """Answer below the root."""
        carrier = XmlRpc(self.services.mi, self.dialect == "2.1", self.format_version == TEXT)
        self.httpd.register(self.mi_xmlrpc_ng_root, self.name, carrier.respond, carrier.refuse)
