"""Pages for a browser: a list of commands, a form for arguments, the answer."""
from __future__ import annotations

import html
import json
import shlex
from typing import Any
from urllib.parse import parse_qs, quote

from opensips_py.errors import MIError
from opensips_py.mi import jsonrpc
from opensips_py.mi.arguments import METHOD_NOT_FOUND, usage
from opensips_py.mi.http import Request, Response
from opensips_py.mi.tree import text

PAGE = """<!DOCTYPE html>
<html><head><title>OpenSIPS management</title><style>
body {{ font-family: sans-serif; margin: 1em }} nav {{ float: left; width: 16em }} main {{ margin-left: 17em }}
pre {{ background: #eee; padding: .5em }} input[type=text] {{ width: 40em }}
</style></head><body><nav>{menu}</nav><main>{content}</main></body></html>
"""


class Pages:
    """The pages below one root; *lines* prints answers as 2.1 does and takes its arguments, else JSON."""

    def __init__(self, mi: Any, registry: Any, root: str, posts: bool, lines: bool) -> None:
        self.mi, self.registry, self.root = mi, registry, root
        self.posts, self.lines = posts, lines

    def respond(self, request: Request) -> Response:
        """The page that *request* asks for."""
        if request.method != ("POST" if self.posts else "GET") and request.method != "GET":
            return Response(self.page("Not this method."), status=405)
        if not request.path or not request.path[-1]:
            return Response(self.page("<p>Choose a command.</p>"))
        name = request.path[-1]
        try:
            command = self.mi.find(name).declaration
        except MIError as error:
            if len(request.path) == 1 and self.is_group(name):
                return Response(self.page("<p>Choose a command.</p>"))
            return Response(self.page(escaped(error.message)), status=404)
        content = f"<h2>{escaped(name)}</h2><p>{escaped(command.help)}</p>{self.form(name, usage(command))}"
        given = form_values(request) if self.posts else request.query
        if (self.posts and request.method == "GET") or ("arg" not in given and command.parameters):
            return Response(self.page(content))
        return Response(self.page(f"{content}<pre>{escaped(self.run(name, given.get('arg', '')))}</pre>"))

    def is_group(self, name: str) -> bool:
        """Whether there are commands of a group or module of that name, which OpenSIPS has a page of."""
        return any(name in (each.module.name, (each.declaration.v40 or "").partition(":")[0])
                   for each in self.registry.commands.values())

    def page(self, content: str) -> str:
        """A page with the list of commands beside *content*."""
        links = [f'<a href="/{quote(self.root)}/{quote(name)}">{escaped(name)}</a><br>'
                 for name in self.registry.which()]
        return PAGE.format(menu="".join(links), content=content)

    def form(self, name: str, hint: str) -> str:
        """The form for the arguments of a command."""
        method = "post" if self.posts else "get"
        what = "arguments, separated by spaces" if self.lines else "a JSON array of arguments"
        return (f'<form method="{method}" action="/{quote(self.root)}/{quote(name)}"><p>{escaped(hint)}; {what}:</p>'
                '<input type="text" name="arg"> <input type="submit" value="Submit"></form>')

    def run(self, name: str, argument: str) -> str:
        """The answer of a command as text."""
        try:
            data = self.mi.call(name, self.arguments(argument))
        except MIError as error:
            return f"{500 if error.code == METHOD_NOT_FOUND else abs(error.code)} {error.message}"
        except ValueError as error:
            return f"400 {error}"
        if self.lines:
            return f"200 OK\n{text(self.mi.tree(name, data))}"
        return jsonrpc.dump("OK" if data is None else data, pretty=True)

    def arguments(self, argument: str) -> Any:
        """What was typed, as the dispatcher takes it."""
        if self.lines:
            return shlex.split(argument)
        value = json.loads(argument) if argument.strip() else []
        if not isinstance(value, (list, dict)):
            raise ValueError('the arguments are a JSON array, such as [["all"]]')
        return value


def form_values(request: Request) -> dict[str, str]:
    """The fields of a submitted form."""
    fields = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def escaped(value: str) -> str:
    """Text as HTML."""
    return html.escape(value.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
