"""Transformations of what SIP is made of: {uri.…}, {via.…}, {nameaddr.…}, {param.…}."""
from __future__ import annotations

from opensips_py.errors import MalformedMessage
from opensips_py.module.marks import transformation
from opensips_py.sip import NameAddr, Uri, Via
from opensips_py.sip.splitting import at, fields, parameter_pairs, separated


def uri_of(text: str) -> Uri | None:
    """*text* as a URI; None where it is none."""
    try:
        return Uri.parse(text)
    except MalformedMessage:
        return None


def via_of(text: str) -> Via | None:
    """The first value of *text* as a Via; None where it is none."""
    values = fields(text.partition("(")[0])
    try:
        return Via.parse(values[0]) if values else None
    except MalformedMessage:
        return None


def address_of(text: str, index: int) -> NameAddr | None:
    """The address at *index* of a list; None where there is none."""
    try:
        found = at(fields(text), index)
        return None if found is None else NameAddr.parse(found)
    except MalformedMessage:
        return None


def uri_parameter(text: str, name: str) -> str | None:
    """A parameter of a URI; empty for one without a value."""
    uri = uri_of(text)
    return None if uri is None else uri.parameter(name)


def via_parameter(text: str, name: str) -> str | None:
    """A parameter of a Via; empty for one without a value."""
    via = via_of(text)
    return None if via is None else via.parameter(name)


class UriTransformations:
    """The class uri of transformations."""

    @transformation("uri.user")
    def uri_user(self, text: str) -> str | None:
        """User of the URI."""
        uri = uri_of(text)
        return uri.user or None if uri is not None else None

    @transformation("uri.passwd")
    def uri_passwd(self, text: str) -> str | None:
        """Password of the URI."""
        uri = uri_of(text)
        return uri.password or None if uri is not None else None

    @transformation("uri.host")
    def uri_host(self, text: str) -> str | None:
        """Host of the URI."""
        uri = uri_of(text)
        return uri.host or None if uri is not None else None

    @transformation("uri.domain")
    def uri_domain(self, text: str) -> str | None:
        """Host of the URI: another name of {uri.host}."""
        return self.uri_host(text)

    @transformation("uri.port")
    def uri_port(self, text: str) -> int | None:
        """Port of the URI; NULL where it names none."""
        uri = uri_of(text)
        return uri.port or None if uri is not None else None

    @transformation("uri.schema")
    def uri_schema(self, text: str) -> str | None:
        """Scheme of the URI."""
        uri = uri_of(text)
        return None if uri is None else uri.scheme

    @transformation("uri.params")
    def uri_params(self, text: str) -> str | None:
        """All parameters of the URI."""
        uri = uri_of(text)
        return uri.parameters or None if uri is not None else None

    @transformation("uri.headers")
    def uri_headers(self, text: str) -> str | None:
        """What stands behind the question mark of the URI."""
        uri = uri_of(text)
        return uri.headers or None if uri is not None else None

    @transformation("uri.param")
    def uri_param(self, text: str, name: str) -> str | None:
        """Value of a parameter of the URI."""
        return uri_parameter(text, name)

    @transformation("uri.transport")
    def uri_transport(self, text: str) -> str | None:
        """Value of the parameter transport."""
        return uri_parameter(text, "transport")

    @transformation("uri.ttl")
    def uri_ttl(self, text: str) -> str | None:
        """Value of the parameter ttl."""
        return uri_parameter(text, "ttl")

    @transformation("uri.uparam")
    def uri_uparam(self, text: str) -> str | None:
        """Value of the parameter user."""
        return uri_parameter(text, "user")

    @transformation("uri.maddr")
    def uri_maddr(self, text: str) -> str | None:
        """Value of the parameter maddr."""
        return uri_parameter(text, "maddr")

    @transformation("uri.method")
    def uri_method(self, text: str) -> str | None:
        """Value of the parameter method."""
        return uri_parameter(text, "method")

    @transformation("uri.lr")
    def uri_lr(self, text: str) -> str | None:
        """Value of the parameter lr."""
        return uri_parameter(text, "lr") or None

    @transformation("uri.r2")
    def uri_r2(self, text: str) -> str | None:
        """Value of the parameter r2."""
        return uri_parameter(text, "r2") or None


class ViaTransformations:
    """The class via of transformations."""

    @transformation("via.name")
    def via_name(self, text: str) -> str | None:
        """Name of the protocol: SIP."""
        return protocol_part(text, 0)

    @transformation("via.version")
    def via_version(self, text: str) -> str | None:
        """Version of the protocol: 2.0."""
        return protocol_part(text, 1)

    @transformation("via.transport")
    def via_transport(self, text: str) -> str | None:
        """Transport, as written."""
        via = via_of(text)
        return None if via is None else via.protocol

    @transformation("via.host")
    def via_host(self, text: str) -> str | None:
        """Host of the sender."""
        via = via_of(text)
        return None if via is None else via.host

    @transformation("via.domain")
    def via_domain(self, text: str) -> str | None:
        """Host of the sender: another name of {via.host}."""
        return self.via_host(text)

    @transformation("via.port")
    def via_port(self, text: str) -> int | None:
        """Port of the sender; NULL where none is given."""
        via = via_of(text)
        return via.port or None if via is not None else None

    @transformation("via.comment")
    def via_comment(self, text: str) -> str | None:
        """Text in parentheses behind the value."""
        _, opening, rest = text.partition("(")
        return rest.rpartition(")")[0] or None if opening else None

    @transformation("via.params")
    def via_params(self, text: str) -> str | None:
        """All parameters."""
        via = via_of(text)
        return via.parameters or None if via is not None else None

    @transformation("via.param")
    def via_param(self, text: str, name: str) -> str | None:
        """Value of a parameter."""
        return via_parameter(text, name)

    @transformation("via.branch")
    def via_branch(self, text: str) -> str | None:
        """Value of the parameter branch."""
        return via_parameter(text, "branch")

    @transformation("via.received")
    def via_received(self, text: str) -> str | None:
        """Value of the parameter received."""
        return via_parameter(text, "received")

    @transformation("via.rport")
    def via_rport(self, text: str) -> str | None:
        """Value of the parameter rport."""
        return via_parameter(text, "rport") or None


def protocol_part(text: str, number: int) -> str | None:
    """A part of SIP/2.0/UDP."""
    parts = text.strip().split("/", 2)
    return parts[number].strip() if len(parts) == 3 else None


class AddressTransformations:
    """The classes nameaddr and param of transformations."""

    @transformation("nameaddr.name")
    def nameaddr_name(self, text: str, option: int) -> str | None:
        """Display name as written; the number says which address of a list."""
        found = address_of(text, option)
        return found.display_name or None if found is not None else None

    @transformation("nameaddr.uri")
    def nameaddr_uri(self, text: str, option: int) -> str | None:
        """URI of the address."""
        found = address_of(text, option)
        return None if found is None else found.uri

    @transformation("nameaddr.len")
    def nameaddr_len(self, text: str, option: int) -> int | None:
        """Length of display name and URI with its brackets, in bytes."""
        found = at(fields(text), option)
        if found is None:
            return None
        closing = found.find(">", found.rfind('"') + 1)
        return len((found[:closing + 1] if closing >= 0 else found).encode("utf-8", "surrogateescape"))

    @transformation("nameaddr.param")
    def nameaddr_param(self, text: str, option: int, name: str) -> str | None:
        """Value of a parameter behind the address."""
        found = address_of(text, option)
        return None if found is None else found.parameter(name) or None

    @transformation("nameaddr.params")
    def nameaddr_params(self, text: str, option: int) -> str | None:
        """All parameters behind the address."""
        found = address_of(text, option)
        return found.parameters or None if found is not None else None

    @transformation("param.value")
    def param_value(self, text: str, name: str) -> str | None:
        """Value of a parameter of a list a=1;b=2."""
        return next((value for key, value in pairs(text) or () if key.lower() == name.lower()), None)

    @transformation("param.exist")
    def param_exist(self, text: str, name: str) -> int | None:
        """1 or 0: whether the list has the parameter."""
        found = pairs(text)
        return None if found is None else int(any(key.lower() == name.lower() for key, _ in found))

    @transformation("param.exists")
    def param_exists(self, text: str, name: str) -> int | None:
        """1 or 0: another name of {param.exist}."""
        return self.param_exist(text, name)

    @transformation("param.valueat")
    def param_valueat(self, text: str, index: int) -> str | None:
        """Value of the parameter at a place of the list; negative ones count from the end."""
        return at([value for _, value in pairs(text) or ()], index)

    @transformation("param.name")
    def param_name(self, text: str, index: int) -> str | None:
        """Name of the parameter at a place of the list; negative ones count from the end."""
        return at([key for key, _ in pairs(text) or ()], index)

    @transformation("param.count")
    def param_count(self, text: str) -> int | None:
        """How many parameters the list has."""
        found = pairs(text)
        return None if found is None else len(found)


def pairs(text: str) -> list[tuple[str, str]] | None:
    """Names and values of a list of parameters, empty ones too; None where a name, or a value without quotes,
    has a blank in it, and where a semicolon is the end."""
    found: list[tuple[str, str]] = []
    for each in separated(text, ";") if text.strip() else ():
        name, _, value = (part.strip() for part in each.partition("="))
        if len(name.split()) > 1 or (not value.startswith('"') and len(value.split()) > 1):
            return None
        found += parameter_pairs(each) or [("", "")]
    return None if text.rstrip().endswith(";") else found
