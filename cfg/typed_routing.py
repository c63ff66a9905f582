"""The part of typed.cfg that is a table and not a route: what numbers cost, and where they lead."""
from __future__ import annotations

from dataclasses import dataclass

from opensips_py.module import ScriptMessage, route


@dataclass(frozen=True)
class Destination:
    """Numbers that begin alike."""

    prefix: str
    price: int  # cents a minute
    gateways: tuple[str, ...]


PLAN = (
    Destination("+4930", 0, ("127.0.0.1:5070", "127.0.0.1:5071")),
    Destination("+49", 1, ("127.0.0.1:5070",)),
    Destination("+1", 2, ("127.0.0.1:5071",)),
    Destination("+", 50, ("127.0.0.1:5071",)),
)
TRUSTED = frozenset({"alice"})


def destination(number: str) -> Destination:
    """The longest prefix that fits."""
    return max((each for each in PLAN if number.startswith(each.prefix)), key=lambda each: len(each.prefix))


@route
def price(number: str) -> int:
    """Cents a minute."""
    return destination(number).price


@route
def gateways(number: str) -> list[str]:
    """Where calls to *number* leave, the best first."""
    return list(destination(number).gateways)


@route
def may_call_abroad(user: str) -> bool:
    """Whether the expensive destinations are open to *user*."""
    return user in TRUSTED


@route
def mark_call(message: ScriptMessage, cents: int) -> None:
    """Tell the gateway what the call costs, and ourselves who makes it."""
    message.headers.remove("X-Price")
    message.headers.append("X-Price", str(cents))
    message.avp["caller"] = message["$fU"] or "nobody"
    message.log(f"{message.avp['caller']} calls {message.user} for {cents} cents")
