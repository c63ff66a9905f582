"""fix_nated_sdp: session descriptions that media find their way by."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import Bits, Route, Run, script
from opensips_py.module.sdp_drafts import sdps, write
from opensips_py.sip import Message, address_key, is_ip

ACTIVE, MEDIA, MARK, ORIGIN, NULLS = (1 << bit for bit in range(5))
FLAGS = Bits(words=(("add-dir-active", ACTIVE), ("rewrite-media-ip", MEDIA), ("add-no-rtpproxy", MARK),
                    ("rewrite-origin-ip", ORIGIN), ("rewrite-null-ips", NULLS)))
DIRECTION = "a=direction:active"
OLD_MEDIA, OLD_ORIGIN = "a=oldcip:", "a=oldoip:"


class Descriptions:
    """The function that changes SDPs."""

    nortpproxy_str: str
    skipped: frozenset[str]

    @script(Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL)
    def fix_nated_sdp(self, run: Run, message: Message, flags: Annotated[int, FLAGS], ip_address: str | None = None,
                      sdp_fields: str | None = None) -> bool:
        """Change all SDPs of a message for a sender behind NAT; false where it has none. *flags*, a sum of numbers or
        words with commas:

        1 add-dir-active adds a=direction:active; 2 rewrite-media-ip puts *ip_address*, or the address that the message
        came from, into all c= lines; 4 add-no-rtpproxy adds nortpproxy_str; 8 rewrite-origin-ip rewrites the o= line
        as 2 does the others; 16 rewrite-null-ips lets 2 and 8 change null addresses, too, which mean hold otherwise.
        What was replaced stays as a=oldcip and a=oldoip (see oldip_skip). *sdp_fields* are further lines.
        """
        host = ip_address or message.source_host
        if not is_ip(host):
            return False
        changed = False
        for each in sdps(run, message):
            if each.text:
                write(run, message, each, self.fixed(each.text, flags, host.strip("[]"), sdp_fields or ""))
                changed = True
        return changed

    def fixed(self, text: str, flags: int, host: str, fields: str) -> str:
        """An SDP as the flags say."""
        lines = text.splitlines(keepends=True)
        old: list[str] = []
        for number, line in enumerate(lines):
            if line.startswith("c=") and flags & MEDIA:
                lines[number] = replaced(line, 2, host, flags, old, "" if "c" in self.skipped else OLD_MEDIA)
            elif line.startswith("o=") and flags & ORIGIN:
                lines[number] = replaced(line, 5, host, flags, old, "" if "o" in self.skipped else OLD_ORIGIN)
        present = {line.rstrip("\r\n") for line in lines}
        added = [DIRECTION] if flags & ACTIVE else []
        added += [self.nortpproxy_str.strip()] if flags & MARK else []
        added = [each for each in added if each and each not in present]
        added += [*old, *filter(None, fields.replace("\r\n", "\n").split("\n"))]
        if added and lines and not lines[-1].endswith("\n"):
            lines[-1] += "\r\n"
        return "".join([*lines, *(f"{each}\r\n" for each in added)])


def replaced(line: str, place: int, host: str, flags: int, old: list[str], keep: str) -> str:
    """A c= or o= line with another address as its word number *place*; *keep* names what the old one is kept as."""
    words = line.split()
    if len(words) <= place:
        return line
    address = words[place].partition("/")[0]
    if is_same(address, host) or (is_null(address) and not flags & NULLS):
        return line
    if keep:
        old.append(keep + address)
    words[place - 1:place + 1] = ["IP6" if ":" in host else "IP4", host]
    return " ".join(words) + line[len(line.rstrip("\r\n")):]


def is_same(one: str, other: str) -> bool:
    """Whether two texts are the same address."""
    return one == other or (is_ip(one) and is_ip(other) and address_key(one, 0) == address_key(other, 0))


def is_null(address: str) -> bool:
    """Whether media sent there go nowhere (RFC 2543's hold; RFC 3264, 8.4)."""
    return address == "0.0.0.0" or (":" in address and not address.strip("0:"))
