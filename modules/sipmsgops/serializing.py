"""Messages as JSON."""
from __future__ import annotations

import json

from opensips_py.module import Writable, script
from opensips_py.modules.sipmsgops.words import EVERYWHERE
from opensips_py.sip import Message


class Serializing:
    """Functions that hand a message to programs that do not know SIP."""

    @script(EVERYWHERE, dialect="4.0")
    def sip_to_json(self, message: Message, out_var: Writable) -> bool:
        """Put the message as it came into *out_var*, as JSON: first_line; headers, the values of each name in an
        array; body."""
        out_var.set(json.dumps(as_data(message), ensure_ascii=False))
        return True


def as_data(message: Message) -> dict[str, object]:
    """A message as plain data."""
    headers: dict[str, list[str]] = {}
    for each in message.headers():
        headers.setdefault(each.name, []).append(readable(each.value))
    first_line = message.data.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")
    return {"first_line": first_line, "headers": headers, "body": message.body.decode("utf-8", "replace")}


def readable(text: str) -> str:
    """A text whose bytes that are no UTF-8 are replaced: JSON has no other characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
