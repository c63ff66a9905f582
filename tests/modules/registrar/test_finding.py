"""lookup: from an address-of-record to contacts."""
from __future__ import annotations

from typing import Any

import pytest

from tests.modules.place import Place

LOOK = 'if (is_method("REGISTER")) {{ save("location"{save}); exit; }}\nlookup("location"{look});\n$avp(rc) = $rc;'


def looking(place: Any, look: str = "", save: str = "", settings: str = "", dialect: str = "4.0") -> Place:
    """A worker that registers and looks up; the code of the latter ends in $avp(rc)."""
    body = LOOK.format(look=look and f", {look}", save=save and f", {save}").replace(
        'is_method("REGISTER")', '$rm == "REGISTER"')
    worker: Place = place(body, settings, dialect)
    return worker


def code(run: Any) -> int:
    found: int = run.avps["rc"][0]
    return found


def targets(run: Any) -> list[str]:
    return [run.request.uri, *(each.uri for each in run.request.branches or [])]


def test_the_best_contact_becomes_the_request_uri_and_the_others_branches(place: Any) -> None:
    worker = looking(place)
    worker.register("Contact: <sip:a@192.0.2.1>;q=0.2, <sip:b@192.0.2.2>;q=0.9, <sip:c@192.0.2.3>")
    run = worker.call("sip:alice@example.com;user=phone")
    assert code(run) == 1
    assert targets(run) == ["sip:b@192.0.2.2", "sip:a@192.0.2.1", "sip:c@192.0.2.3"]
    assert (run.request.q, [each.q for each in run.request.branches]) == (900, [200, -1])
    assert run.request.send_socket is worker.network.udp
    assert (run.request.destination, run.request.path) == (None, None)


def test_nobody_there(place: Any) -> None:
    worker = looking(place)
    run = worker.call()
    assert (code(run), targets(run)) == (-1, ["sip:alice@example.com"])
    worker.register("Contact: <sip:a@192.0.2.1>;expires=60")
    worker.pass_wall(60)
    assert code(worker.call()) == -1


def test_an_address_that_cannot_be_read_is_an_error(place: Any) -> None:
    assert code(looking(place, '"", "not a uri"').call()) == -3


def test_another_address_of_record(place: Any) -> None:
    worker = looking(place, '"", "sip:alice@example.com"')
    worker.register("Contact: <sip:a@192.0.2.1>")
    assert targets(worker.call("sip:reception@example.com")) == ["sip:a@192.0.2.1"]


@pytest.mark.parametrize("flags", ["no-branches", "b"])
def test_no_branches(place: Any, flags: str) -> None:
    worker = looking(place, f'"{flags}"')
    worker.register("Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.2>")
    assert targets(worker.call()) == ["sip:a@192.0.2.1"]


@pytest.mark.parametrize("flags", ["to-branches-only", "B"])
def test_branches_only(place: Any, flags: str) -> None:
    worker = looking(place, f'"{flags}"')
    worker.register("Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.2>")
    assert targets(worker.call()) == ["sip:alice@example.com", "sip:a@192.0.2.1", "sip:b@192.0.2.2"]


@pytest.mark.parametrize("flags", ["branch", "r"])
def test_addresses_of_record_in_branches_are_replaced_too(place: Any, flags: str) -> None:
    worker = place(f'if ($rm == "REGISTER") {{ save("location"); exit; }}\n'
                   f'append_branch("sip:bob@example.com"); append_branch("sip:nobody@example.com");\n'
                   f'lookup("location", "{flags}");\n$avp(rc) = $rc;')
    worker.register("Contact: <sip:bob@192.0.2.2>, <sip:bob@192.0.2.3>", user="bob", call_id="call-9")
    run = worker.call()
    assert (code(run), targets(run)) == (1, ["sip:alice@example.com", "sip:bob@192.0.2.2", "sip:bob@192.0.2.3"])
    worker.register("Contact: <sip:a@192.0.2.1>")
    assert targets(worker.call()) == ["sip:a@192.0.2.1", "sip:bob@192.0.2.2", "sip:bob@192.0.2.3"]


@pytest.mark.parametrize("flags", ["method-filtering", "m"])
def test_method_filtering(place: Any, flags: str) -> None:
    worker = looking(place, f'"{flags}"')
    worker.register('Contact: <sip:a@192.0.2.1>;methods="INVITE,ACK", <sip:b@192.0.2.2>;methods="MESSAGE"')
    assert targets(worker.call()) == ["sip:a@192.0.2.1"]
    assert targets(worker.call(method="MESSAGE")) == ["sip:b@192.0.2.2"]
    assert code(worker.call(method="SUBSCRIBE")) == -2


@pytest.mark.parametrize(("flags", "found"), [
    ("ua-filtering=/phone/", ["b"]), ("ua-filtering=/phone/i", ["a", "b"]), ("u/phone/", ["b"]),
    ("u/phone/i", ["a", "b"]),
    ("ua-filtering=/phone/,case-insensitive", ["a", "b"]), ("iu/^phone/", ["a"]), ("u/(1)/", []), ("u/(1)/e", ["a"]),
    ("ua-filtering=/a,b|Phone 1/,extended-regexp", ["a"]), ("ua-filtering=/nothing/", []), (r"u/\(1\)/", ["a"]),
    ("u/[(]*1/,", ["a"])])
def test_user_agent_filtering(place: Any, flags: str, found: list[str]) -> None:
    worker = looking(place, f"'{flags}'" if "\\" in flags else f'"{flags}"')
    worker.register("Contact: <sip:a@192.0.2.1>", "User-Agent: Phone 1")
    worker.register("Contact: <sip:b@192.0.2.1>", "User-Agent: my phone")
    run = worker.call()
    assert code(run) == (1 if found else -1)
    assert targets(run) == ([f"sip:{name}@192.0.2.1" for name in found] or ["sip:alice@example.com"])


@pytest.mark.parametrize(("flags", "found"), [
    ("max-ping-latency=2000", "ba"), ("sort-by-latency", "abc"), ("y2000Y", "ab"), ("y10", "")])
def test_latency(place: Any, flags: str, found: str) -> None:
    worker = looking(place, f'"{flags}"')
    worker.register("Contact: <sip:c@192.0.2.1>;q=0.9, <sip:b@192.0.2.1>;q=0.5, <sip:a@192.0.2.1>;q=0.1")

    def edit(record: Any) -> None:
        for binding, latency in zip(list(record.bindings), (5000, 2000, 100), strict=True):
            binding.latency = latency
            record.update(binding, binding)

    worker.table.apply("alice@example.com", edit)
    run = worker.call()
    assert (targets(run) if code(run) == 1 else []) == [f"sip:{name}@192.0.2.1" for name in found]


@pytest.mark.parametrize("flags", ['"nonsense"', '"max-ping-latency"', '"no-branches=1"', '"u/["', '"u/(/e"'])
def test_flags_that_make_no_sense_stop_the_start(place: Any, flags: str) -> None:
    with pytest.raises(AssertionError):
        looking(place, flags)


def test_received_and_branch_flags_come_back(place: Any) -> None:
    worker = place('if ($rm == "REGISTER") { $avp(rcv) = "sip:198.51.100.7:7777"; setbflag("NAT"); save("location");'
                   ' exit; }\nlookup("location"); if (isbflagset("NAT")) $avp(nat) = 1;',
                   'modparam("registrar", "received_avp", "$avp(rcv)")')
    worker.register("Contact: <sip:a@10.0.0.1>, <sip:b@10.0.0.1>")
    run = worker.call()
    assert (run.request.destination, run.avps["nat"]) == ("sip:198.51.100.7:7777", [1])
    branch, = run.request.branches
    assert (branch.destination, branch.flags) == ("sip:198.51.100.7:7777", run.request.branch_flags)


def test_path_becomes_route_and_its_first_value_the_next_hop(place: Any) -> None:
    worker = looking(place, save='"path-off"')
    worker.register("Contact: <sip:a@10.0.0.1>", 'Path: "a, b" <sip:p1.example.com;lr>, <sip:p2.example.com;lr>')
    request = worker.call().request
    assert request.destination == "sip:p1.example.com;lr"
    assert request.path == '"a, b" <sip:p1.example.com;lr>, <sip:p2.example.com;lr>'


def test_a_socket_that_is_no_more_is_not_used(place: Any) -> None:
    worker = looking(place)
    worker.register("Contact: <sip:a@192.0.2.1>", tcp=True)
    assert worker.call().request.send_socket is worker.network.tcp
    worker.network.listeners.pop()
    assert worker.call().request.send_socket is None


def test_attributes_go_to_branches(place: Any) -> None:
    worker = place('if ($rm == "REGISTER") { $avp(attr) = $hdr(X-Attr); save("location"); exit; }\n'
                   'lookup("location"); $avp(found) = $(msg.branch.attr(attr)[0]);\n'
                   '$avp(found) = $(msg.branch.attr(attr)[1]);',
                   'modparam("registrar", "attr_avp", "$avp(attr)")')
    worker.register("Contact: <sip:a@192.0.2.1>", "X-Attr: one")
    worker.register("Contact: <sip:b@192.0.2.1>", "X-Attr: two")
    assert worker.call().avps["found"] == ["two", "one"]


def test_without_branches_the_attribute_is_that_of_the_first_contact(place: Any) -> None:
    worker = place('if ($rm == "REGISTER") { $avp(attr) = $hdr(X-Attr); save("location"); exit; }\n'
                   'lookup("location", "no-branches"); $avp(found) = $(msg.branch.attr(attr)[0]);',
                   'modparam("registrar", "attr_avp", "$avp(attr)")')
    worker.register("Contact: <sip:b@192.0.2.1>;q=0.1", "X-Attr: two")
    worker.register("Contact: <sip:a@192.0.2.1>;q=0.9")
    assert worker.call().avps["found"] == [""]


def test_attributes_go_to_an_avp_by_branch_in_2_1(place: Any) -> None:
    worker = place('if ($rm == "REGISTER") { $avp(attr) = $hdr(X-Attr); save("location"); exit; }\nlookup("location");',
                   'modparam("registrar", "attr_avp", "$avp(attr)")', "2.1")
    worker.register("Contact: <sip:a@192.0.2.1>", "X-Attr: one")
    worker.register("Contact: <sip:b@192.0.2.1>", "X-Attr: two")
    assert worker.call().avps["attr"] == ["one", "two"]


INSTANCE = '+sip.instance="<urn:uuid:1>"'


def test_of_several_flows_to_one_device_the_newest_alone_is_tried(place: Any) -> None:
    worker = looking(place)
    worker.register(f"Contact: <sip:a@192.0.2.1>;{INSTANCE};reg-id=1", "Supported: outbound")
    worker.pass_wall(1)
    worker.register(f"Contact: <sip:b@192.0.2.1>;{INSTANCE};reg-id=2", "Supported: outbound")
    worker.register("Contact: <sip:c@192.0.2.1>")
    assert targets(worker.call()) == ["sip:b@192.0.2.1", "sip:c@192.0.2.1"]


GRUU = 'modparam("registrar", "disable_gruu", 0)'


def test_gruus_lead_to_one_device(place: Any) -> None:
    worker = looking(place, settings=GRUU)
    worker.register("Contact: <sip:other@192.0.2.9>;q=1.0", call_id="call-2")
    answer = worker.register(f"Contact: <sip:a@192.0.2.1>;{INSTANCE}", "Supported: gruu")
    contact = answer.contacts[1]
    public, hidden = contact.parameter("pub-gruu"), contact.parameter("temp-gruu")
    assert public == "sip:alice@example.com;gr=urn:uuid:1"
    assert "alice" not in hidden and hidden.endswith("@example.com;gr")
    assert targets(worker.call(public)) == ["sip:a@192.0.2.1"]
    assert targets(worker.call(hidden)) == ["sip:a@192.0.2.1"]
    again = worker.register(f"Contact: <sip:a@192.0.2.1>;{INSTANCE}", "Supported: gruu")
    assert again.contacts[1].parameter("temp-gruu") != hidden
    assert code(worker.call(hidden)) == 1
    worker.register(f"Contact: <sip:a@192.0.2.1>;{INSTANCE}", "Supported: gruu", call_id="call-3")
    assert code(worker.call(hidden)) == -1  # RFC 5627, 5.4: another Call-ID ends the temporary ones
    assert code(worker.call(public)) == 1
    assert code(worker.call("sip:alice@example.com;gr=urn:uuid:2")) == -1


def test_a_forged_gruu_leads_nowhere(place: Any) -> None:
    worker = looking(place, settings=GRUU)
    answer = worker.register(f"Contact: <sip:a@192.0.2.1>;{INSTANCE}", "Supported: gruu")
    hidden = answer.contacts[0].parameter("temp-gruu")
    user = hidden[4:hidden.index("@")]
    other = "A" if user[10] != "A" else "B"
    for forged in (user[:10] + other + user[11:], user[:12], "tgruu.", "tgruu.%%%", "tgruu.*"):
        assert code(worker.call(f"sip:{forged}@example.com;gr")) == -1
    worker = looking(place, settings=GRUU + '\nmodparam("registrar", "gruu_secret", "another")')
    assert code(worker.call(hidden)) == -1


def test_gruus_are_off_unless_asked_for(place: Any) -> None:
    worker = looking(place)
    answer = worker.register(f"Contact: <sip:a@192.0.2.1>;{INSTANCE}", "Supported: gruu")
    assert answer.contacts[0].parameter("pub-gruu") is None
    assert answer.contacts[0].parameter("+sip.instance") is None
    worker = looking(place, settings=GRUU)
    assert worker.register().contacts[0].parameter("pub-gruu") is None  # the client does not support it


def test_headers_of_a_contact_uri_stay_out_of_the_request_line(place: Any) -> None:
    worker = looking(place)
    worker.register("Contact: <sip:a@192.0.2.1;x=1?Route=%3Csip:r.example.com%3E>")
    assert worker.contacts() == ["sip:a@192.0.2.1;x=1?Route=%3Csip:r.example.com%3E"]
    assert targets(worker.call()) == ["sip:a@192.0.2.1;x=1"]
