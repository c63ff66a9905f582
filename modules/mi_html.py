"""Management with a browser: a page per command."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from opensips_py.mi.html import Pages
from opensips_py.module import Between, Module, param, uses

if TYPE_CHECKING:
    from opensips_py.modules.httpd import Httpd


class MiHtml(Module, name="mi_html", provides=("management",)):
    """Management commands on pages for a browser; arguments are JSON arrays, so are answers."""

    httpd: Httpd = uses("httpd")
    root: str = param("mi", "First part of the path.")
    http_method: Annotated[int, Between(0, 1)] = param(0, "How commands are sent: 0 GET, 1 POST.")

    def start(self) -> None:
        """Answer below the root."""
        pages = Pages(self.services.mi, self.registry, self.root, bool(self.http_method), lines=False)
        self.httpd.register(self.root, self.name, pages.respond)
