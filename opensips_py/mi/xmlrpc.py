"""XML-RPC as its specification has it (xmlrpc.com/spec.md): a call in, an answer or a fault out.

What an XML parser can be made to do beyond reading is off: a document type, and with it every entity that somebody
could declare, is refused before it is looked at.
"""
from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from xml.sax.saxutils import escape

from opensips_py.errors import MIError
from opensips_py.mi import text
from opensips_py.mi.http import TEXT, Request, Response
from opensips_py.mi.tree import Node, shown
from opensips_py.mi.tree import text as lines

# Codes of "Specification for Fault Code Interoperability", which JSON-RPC has taken over
PARSE_ERROR, INVALID_REQUEST, TOO_LARGE = -32700, -32600, -32300
DEPTH = 16  # arrays and structs inside of one another
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
XML = "text/xml; charset=utf-8"

Call = Callable[[str, Any], Any]


class XmlRpc:
    """Answers XML-RPC with data, or with the trees of 2.1: as text, or line by line as data."""

    def __init__(self, mi: Any, trees: bool = False, as_text: bool = False) -> None:
        self.mi, self.trees, self.as_text = mi, trees, as_text

    def respond(self, request: Request) -> Response:
        """The answer to one request."""
        if request.method != "POST":
            return Response("POST an XML-RPC call here.", TEXT, 405, [("Allow", "POST")])
        failed = self.failed if self.trees else None
        return Response(respond(request.body, self.call, failed), XML)

    def refuse(self, status: int, reason: str) -> Response:
        """What the server itself has against a request; XML-RPC has no other status than 200."""
        return Response(fault(TOO_LARGE, reason), XML)

    def call(self, method: str, given: Any) -> str:
        """The answer of a command."""
        data = self.mi.call(method, given)
        if not self.trees and not self.as_text:
            return written(data)
        tree = self.mi.tree(method, data)
        return written(f"\n{lines(tree)}" if self.as_text else nodes(tree))

    @staticmethod
    def failed(error: MIError, method: str) -> tuple[int, str]:
        """An error as 2.1 has it."""
        return text.status(error), text.reason(error, method)


class Malformed(ValueError):
    """What came is no call; *code* is the fault that says so."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Builder(TreeBuilder):
    """Makes the elements of a document that has no document type."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse a document type."""
        raise Malformed(PARSE_ERROR, "a document type is not taken")


def parsed(body: bytes) -> tuple[str, Any]:
    """The method that *body* calls, and its arguments as the dispatcher takes them: one struct has them by name."""
    try:
        parser = XMLParser(target=Builder())
        parser.feed(body)
        call = parser.close()
    except ParseError as error:
        raise Malformed(PARSE_ERROR, f"not well-formed: {error}") from None
    except (ValueError, LookupError) as error:  # an encoding that nobody knows, too
        raise error if isinstance(error, Malformed) else Malformed(PARSE_ERROR, str(error)) from None
    method = (call.findtext("methodName") or "").strip()
    if call.tag != "methodCall" or not method:
        raise Malformed(INVALID_REQUEST, "a methodCall with a methodName is needed")
    values = [value_of(only(param, "a param"), DEPTH) for param in call.iterfind("params/param")]
    return method, values[0] if len(values) == 1 and isinstance(values[0], dict) else values


def only(node: Element, what: str) -> Element:
    """The one element inside of *node*."""
    if len(node) != 1:
        raise Malformed(INVALID_REQUEST, f"{what} holds one element, not {len(node)}")
    return node[0]


def value_of(node: Element, depth: int) -> Any:
    """What a <value> stands for; text without a type is a string."""
    if node.tag != "value":
        raise Malformed(INVALID_REQUEST, f"<{node.tag}> where a value is needed")
    if not len(node):
        return node.text or ""
    kind = only(node, "a value")
    if kind.tag in ("array", "struct"):
        if not depth:
            raise Malformed(INVALID_REQUEST, f"more than {DEPTH} arrays and structs inside of one another")
        return array(kind, depth - 1) if kind.tag == "array" else struct(kind, depth - 1)
    read = SCALARS.get(kind.tag)
    if read is None or len(kind):
        raise Malformed(INVALID_REQUEST, f"<{kind.tag}> is no type of value")
    try:
        return read(kind.text or "")
    except (ValueError, binascii.Error) as error:
        raise Malformed(INVALID_REQUEST, f"<{kind.tag}>: {error}") from None


def array(node: Element, depth: int) -> list[Any]:
    """The values of an <array>."""
    return [value_of(each, depth) for each in only(node, "an array")]


def struct(node: Element, depth: int) -> dict[str, Any]:
    """The members of a <struct>."""
    found = {}
    for member in node:
        name, value = member.findtext("name"), member.find("value")
        if name is None or value is None:
            raise Malformed(INVALID_REQUEST, "a member of a struct has a name and a value")
        found[name.strip()] = value_of(value, depth)
    return found


def truth(content: str) -> bool:
    """A <boolean>."""
    if content.strip() not in ("0", "1"):
        raise ValueError("it is 0 or 1")
    return content.strip() == "1"


def decoded(content: str) -> str:
    """What is in a <base64>, as arguments have it."""
    return base64.b64decode("".join(content.split()), validate=True).decode("utf-8", "surrogateescape")


SCALARS: dict[str, Callable[[str], Any]] = {
    "string": str, "int": int, "i4": int, "i8": int, "boolean": truth, "double": float, "dateTime.iso8601": str.strip,
    "base64": decoded, "nil": lambda content: None}


def respond(body: bytes, call: Call, failed: Callable[[MIError, str], tuple[int, str]] | None = None) -> str:
    """The response to *body*, with what *call* makes of it; *failed* says code and words of an error its own way."""
    method = ""
    try:
        method, given = parsed(body)
        return document(f"<params><param>{call(method, given)}</param></params>")
    except Malformed as error:
        return fault(error.code, str(error))
    except MIError as error:
        return fault(*(failed(error, method) if failed else (error.code, error.message)))


def fault(code: int, reason: str) -> str:
    """A response that says what is wrong."""
    members = member("faultCode", f"<value><int>{code}</int></value>") + member("faultString", written(reason))
    return document(f"<fault><value><struct>{members}</struct></value></fault>")


def document(content: str) -> str:
    """A whole response."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<methodResponse>{content}</methodResponse>\n'


def written(value: Any) -> str:
    """*value* as a <value>."""
    if value is None:
        value = "OK"
    if isinstance(value, dict):
        members = "".join(member(str(name), inner(each)) for name, each in value.items())
        return f"<value><struct>{members}</struct></value>"
    if isinstance(value, (list, tuple)):
        return f"<value><array><data>{''.join(map(inner, value))}</data></array></value>"
    return f"<value><string>{plain(shown(value))}</string></value>"


def inner(value: Any) -> str:
    """A value inside of another: there, nothing is nothing."""
    return written("" if value is None else value)


def member(name: str, value: str) -> str:
    """A member of a struct."""
    return f"<member><name>{plain(name)}</name>{value}</member>"


def plain(content: str) -> str:
    """*content* as XML carries it: what it has no way to write is replaced, a line keeps its end."""
    clean = content.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return escape(NO_XML.sub("?", clean), {"\r": "&#13;"})


def nodes(tree: list[Node]) -> list[dict[str, Any]]:
    """A 2.1 tree as data: what each of its lines consists of."""
    return [{"name": node.name, "value": shown(node.value),
             "attributes": {name: shown(each) for name, each in node.attributes.items()},
             "children": nodes(node.children)} for node in tree]
