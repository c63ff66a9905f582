"""From the headers of a REGISTER to bindings, and from bindings to the headers of its answer."""
from __future__ import annotations

import random
from typing import Any
from urllib.parse import unquote

from opensips_py.errors import MalformedMessage
from opensips_py.modules.registrar import gruu, methods
from opensips_py.modules.registrar.registration import Refused
from opensips_py.sip import HeaderId
from opensips_py.sip._scan import Request
from opensips_py.sip._uri import NameAddr, Uri, parse_uri
from opensips_py.state._bindings import Binding
from opensips_py.state.matching import same

USER_AGENT, SUPPORTED, PATH, ALLOW = map(int, (HeaderId.USER_AGENT, HeaderId.SUPPORTED, HeaderId.PATH, HeaderId.ALLOW))
Seconds = int
FOREVER = 0xFFFFFFFF  # seconds: the longest that RFC 3261, 20.19 allows
SOON = 1  # seconds that the random part of an expiry always leaves


def lasting(contact: NameAddr, default: Seconds, least: Seconds, most: Seconds, deviation: Seconds) -> Seconds:
    """For how many seconds a contact asks, within the limits; 0: it is to be removed."""
    given = contact.expires if contact.parameters else None
    seconds: Seconds = default if given is None else given
    if seconds == 0:
        return 0
    if seconds < least:
        seconds = least
    if most and seconds > most:
        seconds = most
    if deviation:
        seconds = max(SOON, seconds + random.randint(-deviation, deviation))
    return seconds


def check(contact: NameAddr) -> None:
    """MalformedMessage where a contact is no URI: nobody could be called there."""
    parse_uri(contact.uri)


def supports(request: Request, option: str) -> bool:
    """Whether *option* is among the Supported ones."""
    return option in [each.lower() for each in request.values(SUPPORTED)]


def flow_of(request: Request, contact: NameAddr) -> tuple[str, int]:
    """The instance of a contact and its reg-id, 0 where RFC 5626 does not apply."""
    instance = contact.parameter("+sip.instance") or ""
    number = contact.parameter("reg-id")
    if not instance or number is None:
        return instance, 0
    if not number.isdecimal() or len(number) > 5 or not 0 < int(number) < 0x10000:
        raise Refused(400, "Bad reg-id")
    return instance, int(number) if supports(request, "outbound") else 0


def check_first_hop(request: Request) -> None:
    """RFC 5626, 6: with a proxy between, the first one must have said in its Path that it keeps the flow."""
    if len(request.vias) < 2:
        return
    paths = request.values(PATH)
    try:
        first = NameAddr.parse(paths[-1]).parsed_uri if paths else None
    except MalformedMessage:
        first = None
    if first is None or first.parameter("ob") is None:
        raise Refused(439, "First Hop Lacks Outbound Support")


def received_of(paths: list[str]) -> str:
    """The address behind the nearest proxy, which its Path has in a parameter; of two by the same proxy the second."""
    nearest = NameAddr.parse(paths[0]).parsed_uri
    if nearest.parameter("r2") is not None and len(paths) > 1:
        nearest = NameAddr.parse(paths[1]).parsed_uri
    return unquote(nearest.parameter("received") or "", "utf-8", "surrogateescape")


def methods_of(request: Request, contact: NameAddr) -> int:
    """The methods that a contact takes: its own parameter, else Allow, else all."""
    listed = contact.parameter("methods") if contact.parameters else None
    if listed is None:
        if request.header(ALLOW) is None:
            return methods.ALL
        listed = ",".join(request.values(ALLOW))
    return methods.bits(listed)


def source_uri(request: Request) -> str:
    """Where a request came from, as a URI."""
    host = request.source_host
    host = f"[{host}]" if ":" in host else host
    protocol = request.listener.protocol
    return f"sip:{host}:{request.source_port}" + ("" if protocol == "udp" else f";transport={protocol}")


def among(bindings: list[Binding], named: list[NameAddr]) -> list[Binding]:
    """Those of *bindings* that a request has *named*."""
    return [each for each in bindings if any(same(each.contact, other.uri) for other in named)]


def answer_header(bindings: list[Binding], now: Seconds, parameters: Any, aor: str, uri: Uri | None) -> bytes:
    """The Contact header that lists *bindings*; with *uri* GRUUs are made for them."""
    if not bindings:
        return b""
    text = ""
    each: Binding
    for each in bindings:
        q = each.q
        text += (f"{', ' if text else 'Contact: '}<{each.contact}>{f';q={q / 1000:g}' if q >= 0 else ''}"
                 f";expires={each.expires - now if each.expires else FOREVER}")
        if each.received or each.instance:
            text += extras(each, parameters, aor, uri)
    return f"{text}\r\n".encode("utf-8", "surrogateescape")


def extras(binding: Binding, parameters: Any, aor: str, uri: Uri | None) -> str:
    """The less usual parameters of a contact in an answer."""
    text = f';{parameters.received_param}="{binding.received}"' if binding.received and not binding.reg_id else ""
    if binding.instance and (binding.reg_id or uri is not None):
        text += f';+sip.instance="{binding.instance}"'
        if binding.reg_id:
            text += f";reg-id={binding.reg_id}"
        if uri is not None:
            hidden = gruu.temporary(uri, aor, binding.instance, binding.call_id, parameters.gruu_secret)
            text += f';pub-gruu="{gruu.public(uri, binding.instance)}";temp-gruu="{hidden}"'
    return text
