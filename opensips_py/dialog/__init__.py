"""Dialogs (RFC 3261, 12): their states, their identifiers, their route sets, without any I/O."""
from opensips_py.dialog.identifiers import database_id, did_of, parts_of, parts_of_database_id
from opensips_py.dialog.legs import CALLEE, CALLER, Leg, contact_in, contact_of, route_values, routes_to_callee, uri_of
from opensips_py.dialog.requests import Way, way, way_to
from opensips_py.dialog.states import TABLE, Event, State, following

__all__ = ["CALLEE", "CALLER", "TABLE", "Event", "Leg", "State", "Way", "contact_in", "contact_of", "database_id",
           "did_of", "following", "parts_of", "parts_of_database_id", "route_values", "routes_to_callee", "uri_of",
           "way", "way_to"]
