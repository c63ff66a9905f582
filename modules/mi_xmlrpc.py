"""Management by XML-RPC."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.mi.xmlrpc import XmlRpc
from opensips_py.module import Module, param, uses

if TYPE_CHECKING:
    from opensips_py.modules.httpd import Httpd


class MiXmlrpc(Module, name="mi_xmlrpc", provides=("management",)):
    """Management commands by XML-RPC: the method is the command; its arguments are the params by their order, or one
    struct by their names. The answer is a struct or an array, numbers in it are strings; an error is a fault."""

    httpd: Httpd = uses("httpd")
    http_root: str = param("RPC2", "First part of the path.")

    def start(self) -> None:
        """Answer below the root."""
        carrier = XmlRpc(self.services.mi)
        self.httpd.register(self.http_root, self.name, carrier.respond, carrier.refuse)
