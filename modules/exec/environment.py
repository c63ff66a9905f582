"""What a program finds of the message in its environment."""
from __future__ import annotations

import re
from typing import Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Run
from opensips_py.sip import Message, Request, Uri, header_name


def of_message(run: Run, message: Message) -> dict[str, str]:
    """The variables that tell of *message*."""
    found: dict[str, str] = {}
    for header in message.headers():
        key = "SIP_HF_" + re.sub(r"\W", "_", header_name(header.name).upper())
        found[key] = f"{found[key]},{header.value}" if key in found else header.value
    found["SIP_DID"] = message.to_tag
    found["SIP_TID"] = transaction_of(run, message)
    found["SIP_SRCIP"] = message.source_host
    request: Any = run.request
    if isinstance(request, Request):
        found["SIP_RURI"], found["SIP_ORURI"] = request.uri, request.original_uri
        found["SIP_USER"], found["SIP_OUSER"] = user_of(request.uri), user_of(request.original_uri)
    return {name: value.replace("\0", "") for name, value in found.items()}


def transaction_of(run: Run, message: Message) -> str:
    """The same for a request, its retransmissions, its CANCEL and its ACK."""
    tag: str = run.services.slots.tag("exec", message.call_id, message.from_tag, message.cseq, message.via_branch)
    return tag


def user_of(uri: str) -> str:
    """The user of a URI, "" where it is none."""
    try:
        return Uri.parse(uri).user
    except MalformedMessage:
        return ""
