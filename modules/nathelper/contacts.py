"""Contacts that lead back to where a message came from."""
from __future__ import annotations

import base64
import binascii
import logging
from typing import Annotated, NamedTuple

from opensips_py.dialog.legs import MENDED
from opensips_py.errors import MalformedMessage
from opensips_py.module import Bits, Route, Run, VariableSpec, drafts, script
from opensips_py.modules.nathelper.detecting import readable_contacts, uri_of
from opensips_py.sip import Message, NameAddr, Request, Uri

PRESERVE = 1
FLAGS = Bits(words=(("preserve-uri", PRESERVE),), numbers=False)
ORIGINAL = "org"  # the parameter that keeps host and port of a contact


class Change(NamedTuple):
    """What scripts make of one Contact: the new host and port, and parameters of the URI and of the header."""

    place: tuple[str, int] | None = None
    of_uri: str = ""
    of_header: str = ""


class Contacts:
    """Functions on contacts."""

    received_avp: VariableSpec | None
    log: logging.Logger

    @script(Route.REQUEST | Route.ONREPLY | Route.BRANCH | Route.LOCAL)
    def fix_nated_contact(self, run: Run, message: Message, uri_params: str = "",
                          flags: Annotated[int, FLAGS] = 0) -> bool:
        """Put the address and port that the message came from into the URI of each Contact.

        *uri_params* (";name=value") is added to the URIs, before their own parameters. With preserve-uri the parameter
        `org` keeps the old host and port in Base64, for restore_nated_ruri(). True also without a Contact to change.
        """
        if message.listener is None:
            return False
        place = bracketed(message.source_host), message.source_port
        added = ";" + uri_params.strip(";") if uri_params.strip(";") else ""
        first = True
        for number, contact, uri in sip_contacts(message):
            before: Change = drafts.current(run, message, key_of(number)) or Change()
            kept = f";{ORIGINAL}={encoded(uri)}" if flags & PRESERVE else ""
            extra = "".join(each for each in (added, kept) if each not in before.of_uri)
            change = before._replace(place=place, of_uri=before.of_uri + extra)
            write(run, message, number, contact, change)
            if first:  # that is where requests within a dialog go
                if message.context is None:
                    message.context = {}
                message.context[MENDED] = f"<{changed_uri(uri, change)}>"
            first = False
        return True

    @script(Route.REQUEST)
    def add_rcv_param(self, run: Run, request: Request, flag: int = 0) -> bool:
        """Add the parameter `received`, the URI of the address that the request came from, to each Contact header or,
        where *flag* is not 0, to its URI. True also where there is no Contact."""
        if request.listener is None:
            return False
        source = source_uri(request)
        for number, contact, _ in sip_contacts(request):
            before: Change = drafts.current(run, request, key_of(number)) or Change()
            if flag:
                escaped = source.replace(";", "%3B").replace("=", "%3D")  # RFC 3261, 19.1.1: no part of that URI there
                after = before._replace(of_uri=f"{before.of_uri};received={escaped}")
            else:
                after = before._replace(of_header=f'{before.of_header};received="{source}"')
            write(run, request, number, contact, after)
        return True

    @script(Route.REQUEST)
    def fix_nated_register(self, run: Run, request: Request) -> bool:
        """Put the URI of the address that the request came from into received_avp, where the registrar finds it."""
        if self.received_avp is None or self.received_avp.write is None:
            self.log.error("fix_nated_register: received_avp names no variable that can be assigned")
            return False
        if request.listener is None:
            return False
        self.received_avp.write(run, source_uri(request))
        return True

    @script(Route.REQUEST | Route.BRANCH | Route.LOCAL, dialect="4.0")
    def restore_nated_ruri(self, request: Request) -> bool:
        """Undo fix_nated_contact(…, "preserve-uri"): send the request where its Request-URI says, with the host and
        port in it that its parameter `org` keeps. False where there is no such parameter that can be read."""
        try:
            uri = Uri.parse(request.uri)
            value = uri.parameter(ORIGINAL)
            place = Uri.parse(f"sip:{decoded(value)}") if value else None
        except (MalformedMessage, ValueError):
            return False
        if place is None or not place.host or str(place) != str(Uri(host=place.host, port=place.port)):
            return False
        kept = ";".join(each for each in uri.parameters.split(";") if each.partition("=")[0].lower() != ORIGINAL)
        uri = uri.replace(parameters=kept)
        request.destination = str(uri)
        request.uri = str(uri.replace(host=place.host, port=place.port))
        return True


def sip_contacts(message: Message) -> list[tuple[int, NameAddr, Uri]]:
    """The Contacts with a SIP URI: place in the message, value, URI."""
    return [(number, each, uri) for number, each in enumerate(readable_contacts(message))
            if (uri := uri_of(each)) is not None]


def key_of(number: int) -> tuple[str, int]:
    """What the draft of a Contact is found by."""
    return "contact", number


def write(run: Run, message: Message, number: int, contact: NameAddr, change: Change) -> None:
    """Have a Contact leave as *change* says."""
    key = key_of(number)
    draft = drafts.write(message, key, change)
    if not drafts.is_placed(run, message, key, "uri"):
        enclosed = message.data[contact.uri_start - 1:contact.uri_start] == b"<"
        message.edits.replace(contact.uri_start, contact.uri_end,
                              drafts.Piece(draft, "uri", uri_writer(contact.parsed_uri, enclosed)))
        message.edits.insert(contact.end, drafts.Piece(draft, "parameters", header_parameters))


def uri_writer(uri: Uri, enclosed: bool) -> drafts.Render:
    """What writes the URI of a Contact. One without brackets gets them: a parameter behind it would be the header's."""
    def render(change: Change) -> bytes:
        text = str(changed_uri(uri, change))
        return (text if enclosed else f"<{text}>").encode("utf-8", "surrogateescape")
    return render


def changed_uri(uri: Uri, change: Change) -> Uri:
    """A URI as *change* says."""
    host, port = change.place or (uri.host, uri.port)
    parts = (change.of_uri.strip(";"), uri.parameters.strip(";"))
    return uri.replace(host=host, port=port, parameters=";".join(filter(None, parts)))


def header_parameters(change: Change) -> bytes:
    """The parameters that are added to the header."""
    return change.of_header.encode("utf-8", "surrogateescape")


def source_uri(message: Message) -> str:
    """The address that a message came from, as a URI."""
    protocol = message.listener.protocol
    transport = "" if protocol == "udp" else f";transport={protocol}"
    return f"sip:{bracketed(message.source_host)}:{message.source_port}{transport}"


def bracketed(host: str) -> str:
    """An address as it stands in a URI."""
    return f"[{host}]" if ":" in host else host


def encoded(uri: Uri) -> str:
    """Host and port of *uri* in Base64; without the padding, which no parameter may contain."""
    text = f"{uri.host}:{uri.port}" if uri.port else uri.host
    return base64.b64encode(text.encode()).decode().rstrip("=")


def decoded(value: str) -> str:
    """What encoded() was given; ValueError for what it never makes."""
    try:
        return base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4), validate=True).decode("ascii")
    except binascii.Error as error:
        raise ValueError(str(error)) from None
