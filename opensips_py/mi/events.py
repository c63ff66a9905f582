"""The management commands for events."""
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MIError
from opensips_py.mi.tree import Node, listed, rendered
from opensips_py.module import mi
from opensips_py.module.masking import without_password

if TYPE_CHECKING:
    from opensips_py.module.services import Services

NOT_FOUND, BAD = 404, 400
HOUR = 3600


def event_nodes(data: Any) -> list[Node]:
    """2.1's lines of `events_list`."""
    return [listed("Event", event["name"], {"id": event["id"]}) for event in data["Events"]]


class EventCommands:
    """Commands that list, raise and subscribe to events; every worker knows the same subscribers."""

    services: Services

    @mi("events_list", v40="evi:list")
    @rendered(event_nodes)
    def list_events(self) -> dict[str, Any]:
        """All events that somebody may subscribe to."""
        return {"Events": [{"name": name, "id": number} for number, name in enumerate(self.names())]}

    @mi("event_subscribe", v40="evi:subscribe")
    def subscribe(self, event: str, socket: str, expire: int = HOUR) -> None:
        """Tell *event* to *socket* (``protocol:address``) for *expire* seconds; 0: no longer."""
        if event not in self.names():
            raise MIError(NOT_FOUND, "Event not published")
        if not expire:
            self.services.mi.each("unsubscribe", event, socket)
            self.services.events.forget(event, socket)
            return
        self.services.mi.each("subscribe", event, socket, expire)
        self.services.events.remember(event, socket, expire)

    @mi("subscribers_list", v40="evi:subscribers")
    def subscribers(self, event: str | None = None, socket: str | None = None) -> dict[str, Any]:
        """Who is subscribed: to all events, to *event*, or *socket* alone."""
        known: dict[str, list[dict[str, Any]]] = self.services.mi.any("subscribers")
        names = self.names()
        if event is None:
            return {"Events": [described(name, names, known[name]) for name in known]}
        if event not in names:
            raise MIError(NOT_FOUND, "Event not published")
        rows = known.get(event, [])
        if socket is None:
            return {"Event": described(event, names, rows)}
        shown = without_password(socket)
        row = next((row for row in rows if row["socket"] == shown), None)
        if row is None:
            raise MIError(NOT_FOUND, "Subscriber does not exist")
        return {"Event": {"name": event, "id": names.index(event), "Subscriber": row}}

    @mi(None, "raise_event", v40="evi:raise")
    def raise_by_hand(self, event: str, params: list[str] = []) -> None:  # noqa: B006
        """Raise *event*, with *params* if there are any: values in an array, or a text with a JSON object."""
        if event not in self.names():
            raise MIError(NOT_FOUND, "Event not registered")
        values: Any = params
        if len(params) == 1 and params[0].lstrip().startswith("{"):
            try:
                values = json.loads(params[0])
            except ValueError:
                raise MIError(BAD, "params is no JSON object") from None
        self.services.mi.any("raise", event, values)

    def names(self) -> list[str]:
        """The events that the workers know."""
        found: list[str] = self.services.mi.any("events")
        return found


def described(name: str, names: list[str], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One event with its subscribers."""
    return {"name": name, "id": names.index(name) if name in names else -1, "Subscribers": rows}
