"""Changes to one part of a URI that keep every other byte of it, as the script's rewriting means them."""
from __future__ import annotations

from typing import NamedTuple


class Pieces(NamedTuple):
    """A URI cut at its delimiters: sip: alice:secret @ [::1] :5060 ;transport=tcp?a=b."""

    scheme: str  # with its colon
    user: str
    password: str
    host: str
    port: str
    rest: str  # parameters and headers, with their ; or ?

    def __str__(self) -> str:
        password = f":{self.password}" if self.password else ""
        userinfo = f"{self.user}{password}@" if self.user or password else ""
        return f"{self.scheme}{userinfo}{self.host}{':' + self.port if self.port else ''}{self.rest}"


def cut(uri: str) -> Pieces:
    """The pieces of *uri*; never fails, what is missing is empty."""
    colon = uri.find(":")
    scheme, body = uri[:colon + 1], uri[colon + 1:]
    at = body.find("@")
    user, _, password = body[:at].partition(":") if at >= 0 else ("", "", "")
    hostpart = body[at + 1:]
    end = min((found for found in (hostpart.find(";"), hostpart.find("?")) if found >= 0), default=len(hostpart))
    address, rest = hostpart[:end], hostpart[end:]
    bracket = address.rfind("]")
    separator = address.find(":", bracket + 1)
    if separator < 0:
        return Pieces(scheme, user, password, address, "", rest)
    return Pieces(scheme, user, password, address[:separator], address[separator + 1:], rest)


def with_user(uri: str, user: str | None) -> str:
    """*uri* with another user, or with none."""
    pieces = cut(uri)
    return str(pieces._replace(user=user) if user else pieces._replace(user="", password=""))


def with_userinfo(uri: str, userinfo: str) -> str:
    """*uri* with another user and password, written user:password."""
    user, _, password = userinfo.partition(":")
    return str(cut(uri)._replace(user=user, password=password))


def with_host(uri: str, host: str) -> str:
    """*uri* with another host; its port stays."""
    return str(cut(uri)._replace(host=host))


def with_port(uri: str, port: str | int | None) -> str:
    """*uri* with another port, or with none."""
    return str(cut(uri)._replace(port="" if port is None else str(port)))


def with_hostport(uri: str, hostport: str) -> str:
    """*uri* with another host and port; without a port behind it, the URI has none."""
    other = cut(f"sip:{hostport}")
    return str(cut(uri)._replace(host=other.host, port=other.port))


def prefixed(uri: str, prefix: str) -> str:
    """*uri* with *prefix* before its user."""
    pieces = cut(uri)
    return str(pieces._replace(user=prefix + pieces.user))


def stripped(uri: str, count: int) -> str:
    """*uri* without the first *count* characters of its user."""
    pieces = cut(uri)
    return str(pieces._replace(user=pieces.user[count:]))


def tail_stripped(uri: str, count: int) -> str:
    """*uri* without the last *count* characters of its user."""
    pieces = cut(uri)
    return str(pieces._replace(user=pieces.user[:max(0, len(pieces.user) - count)]))


def with_transport(uri: str, protocol: str) -> str:
    """*uri* with ;transport=*protocol*, or without that parameter where it names UDP."""
    pieces = cut(uri)
    parameters, question, headers = pieces.rest.partition("?")
    kept = [each for each in parameters.split(";") if each and not each.lower().startswith("transport=")]
    if protocol.lower() != "udp":
        kept.append(f"transport={protocol.lower()}")
    return str(pieces._replace(rest="".join(f";{each}" for each in kept) + question + headers))


def default_port(uri: str) -> int:
    """The port that *uri* means where it names none."""
    lower = uri.lower()
    return 5061 if lower.startswith("sips:") or "transport=tls" in lower else 5060


def q_text(q: int) -> str | None:
    """A q value kept in thousandths as text: 500 is 0.5."""
    if q < 0:
        return None
    if q >= 1000:
        return "1"
    return "0" if q == 0 else f"0.{q:03d}".rstrip("0")


def q_number(value: int | str) -> int:
    """A q value in thousandths: a number is one already, at most 1000, a text is a q as headers have it."""
    if isinstance(value, int):
        return max(-1, min(value, 1000))
    found = float(value)
    if not 0 <= found <= 1:
        raise ValueError(f"a q value from 0 to 1 is needed, not {value}")
    return round(found * 1000)
