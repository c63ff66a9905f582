"""What a request that a command sent has come to, as management tells it."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.mi.tree import Node

if TYPE_CHECKING:
    from opensips_py.sip import Response

NOTHING = "."  # in 2.1's lines
STATUSES = {408: "408 Request Timeout"}


def outcome(response: Response | None, status: int) -> dict[str, Any]:
    """The status, where to send what follows in a dialog that began, and the headers and body of the response."""
    if response is None:
        return {"Status": STATUSES.get(status, f"{status} Not Delivered")}
    text = response.data.decode("utf-8", "surrogateescape")
    return {"Status": f"{response.status} {response.reason}", **following(response),
            "Message": text.partition("\r\n")[2]}


def following(response: Response) -> dict[str, Any]:
    """Request-URI, next hop and Route values of a request in the dialog that a 2xx begins (RFC 3261, 12.2.1.1)."""
    if response.status // 100 != 2 or not response.to_tag:
        return {}
    try:
        target = response.contacts[0].uri if response.contacts else response.to.uri
        hops = response.record_routes[::-1]
        is_strict = bool(hops) and hops[0].parsed_uri.parameter("lr") is None
    except MalformedMessage:
        return {}
    routes = [response.data[each.start:each.end].decode("utf-8", "surrogateescape") for each in hops]
    if is_strict:  # the first route takes the place of the target, which goes to the end
        routes, target = [*routes[1:], f"<{target}>"], hops[0].uri
    way = {"RURI": target, "Next-hop": hops[0].uri if hops else target}
    return {**way, "Routes": routes} if routes else way


def lines_of(data: dict[str, Any]) -> list[Node]:
    """The five lines of 2.1, a dot where there is nothing."""
    routes = data.get("Routes")
    values = (data["Status"], data.get("RURI"), data.get("Next-hop"), routes and f"Route: {', '.join(routes)}",
              data.get("Message"))
    return [Node("", value or NOTHING) for value in values]
