"""What the checking process says: the same when it is read again."""
from opensips_py.server import description
from opensips_py.server.boot import BoundListener, Logging
from opensips_py.server.description import Description


def test_all_of_it_is_read_as_it_was_written():
    listener = BoundListener("udp", "192.0.2.9", 5060, "sip.example.com", 5070, "main", {"tos": 8}, "edge.example.com")
    found = Description(["error \udcff"], ["note"], {"/a.cfg": "text"}, "2.1", [listener], 4, 2, True, "/w", "/r", "u",
                        "g", "/s", 1, 2, 3, False, Logging(level=4, facility="LOG_LOCAL1", to_stdout=False),
                        {"key": "code"}, ["a route"], ["a module"], ["user"], ["tos"], [listener], [])
    assert description.load(found.dump()) == found


def test_changes_are_those_of_routes_and_of_all_else():
    assert Description(route_changes=["one"], other_changes=["two"]).changes == ["one", "two"]
