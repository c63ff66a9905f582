"""Bytes to messages and back (RFC 3261), without any I/O."""
from opensips_py.sip._address import address_host, address_key, address_port, is_ip
from opensips_py.sip._build import (
    build_ack,
    build_cancel,
    build_request,
    build_response,
    forward_request,
    forward_response,
    via_lines,
)
from opensips_py.sip._edits import Edits
from opensips_py.sip._names import COMPACT_FORMS, HEADER_NAMES, HeaderId, header_name
from opensips_py.sip._scan import BranchTarget, Header, Message, Request, Response, parse, scan
from opensips_py.sip._stream import Framer
from opensips_py.sip._uri import NameAddr, Uri, Via, delta_seconds, parse_addresses, parse_uri, unquoted
from opensips_py.sip.digest import Algorithm, Challenge, Credentials, Ha1, Password, Secret
from opensips_py.sip.sdp import Media, SessionDescription

__all__ = [
    "COMPACT_FORMS", "HEADER_NAMES", "Algorithm", "BranchTarget", "Challenge", "Credentials", "Edits", "Framer", "Ha1",
    "Header", "HeaderId", "Media", "Message", "NameAddr", "Password", "Request", "Response", "Secret",
    "SessionDescription", "Uri", "Via",
    "address_host", "address_key", "address_port", "build_ack", "build_cancel", "build_request", "build_response",
    "delta_seconds", "forward_request", "forward_response", "header_name", "is_ip", "parse", "parse_addresses",
    "parse_uri", "scan", "unquoted", "via_lines",
]
