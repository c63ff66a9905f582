"""URIs as scripts ask about and change them, every other byte kept."""
from __future__ import annotations

from opensips_py.errors import MalformedMessage
from opensips_py.sip._scan import Request
from opensips_py.sip._uri import Uri


def uri_of(text: str) -> Uri | None:
    """A URI in its parts; None where it is none."""
    try:
        return Uri.parse(text)
    except MalformedMessage:
        return None


def parameters_span(text: str) -> tuple[int, int]:
    """Where the parameters of a URI stand, with their first semicolon; a user may hold ; and ?, too."""
    host = text.find("@") + 1
    end = text.find("?", host)
    end = len(text) if end < 0 else end
    start = text.find(";", host, end)
    return (end, end) if start < 0 else (start, end)


def with_parameter(text: str, parameter: str) -> str:
    """A URI with *parameter* (name=value) behind its others."""
    _, end = parameters_span(text)
    return f"{text[:end]};{parameter}{text[end:]}" if parameter else text


def without_parameter(text: str, name: str) -> str | None:
    """A URI without the parameter *name*; None where it has none."""
    start, end = parameters_span(text)
    parts = text[start:end].split(";")
    kept = [each for each in parts if each.partition("=")[0].strip().lower() != name.lower()]
    return None if len(kept) == len(parts) or not name else text[:start] + ";".join(kept) + text[end:]


def sip_of_tel(text: str, host: str) -> str:
    """The SIP URI at *host* for a tel URI (RFC 3261, 19.1.6)."""
    return f"sip:{text.partition(':')[2]}@{host};user=phone"


def has_parameter(request: Request, name: str, value: str) -> bool:
    """Whether the Request-URI has parameter *name* with this *value*; "": as a flag alone."""
    uri = uri_of(request.uri)
    return uri is not None and uri.parameter(name) == value


def add_parameter(request: Request, parameter: str) -> bool:
    """Add *parameter* (name=value) to the Request-URI, behind its others; False where it is no SIP URI."""
    uri = uri_of(request.uri)
    if uri is None or not uri.is_sip:
        return False
    request.uri = with_parameter(request.uri, parameter)
    return True


def turn_tel_into_sip(request: Request) -> bool:
    """Turn a tel URI of the request into a SIP URI at the host of From; others stay. False where that cannot be."""
    uri = uri_of(request.uri)
    if uri is None or uri.scheme != "tel":
        return uri is not None
    try:
        host = request.from_.parsed_uri.host
    except MalformedMessage:
        host = ""
    if host:
        request.uri = sip_of_tel(request.uri, host)
    return bool(host)


def has_e164_user(text: str) -> bool:
    """Whether the user of a URI is an E.164 number: + and 2 to 15 digits."""
    uri = uri_of(text)
    if uri is None or not uri.user.startswith("+"):
        return False
    digits = uri.user[1:]
    return 2 <= len(digits) <= 15 and digits.isascii() and digits.isdigit()
