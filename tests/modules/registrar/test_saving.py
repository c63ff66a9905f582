"""save: REGISTER as RFC 3261, 10.3 has it, and what the flags change."""
from __future__ import annotations

import random
from typing import Any

import pytest

from opensips_py.module.run import Route
from opensips_py.sip import parse
from tests.modules.place import START, register

CONTACT = "Contact: <sip:alice@192.0.2.1:5062>"


def listed(answer: Any) -> dict[str, dict[str, str]]:
    """The contacts of an answer, with their parameters."""
    found = {}
    for each in answer.contacts:
        pairs = [part.partition("=") for part in each.parameters.split(";") if part]
        found[each.uri] = {name: value for name, _, value in pairs}
    return found


def test_a_contact_is_stored_and_listed(place: Any) -> None:
    worker = place()
    answer = worker.register(CONTACT, "Expires: 1800", "User-Agent: Phone 1")
    assert (answer.status, answer.reason) == (200, "OK")
    assert listed(answer) == {"sip:alice@192.0.2.1:5062": {"expires": "1800"}}
    binding, = worker.bindings()
    assert (binding.expires, binding.call_id, binding.cseq, binding.user_agent, binding.q, binding.socket) == (
        START + 1800, "call-1", 1, "Phone 1", -1, "udp:192.0.2.9:5060")
    assert (binding.received, binding.path, binding.instance, binding.cflags) == ("", "", "", 0)
    assert worker.code == 1
    assert worker.counted("registrar")["accepted_regs"] == 1


def test_without_contact_it_only_asks(place: Any) -> None:
    worker = place()
    assert worker.register().contacts == []
    worker.register(CONTACT)
    worker.pass_wall(100)
    assert listed(worker.register()) == {"sip:alice@192.0.2.1:5062": {"expires": "3500"}}


def test_refresh_replaces_and_keeps_the_identifier(place: Any) -> None:
    worker = place()
    worker.register(CONTACT, "Expires: 60")
    identifier = worker.bindings()[0].id
    worker.pass_wall(30)
    worker.register(CONTACT, "Expires: 90")
    binding, = worker.bindings()
    assert (binding.id, binding.expires, binding.cseq) == (identifier, START + 120, 2)


def test_contacts_are_compared_as_uris(place: Any) -> None:
    worker = place()
    worker.register("Contact: <sip:%61lice@HOST.example.com;Transport=TCP>")
    worker.register("Contact: <sip:alice@host.example.com;transport=tcp>")
    assert worker.contacts() == ["sip:alice@host.example.com;transport=tcp"]
    worker.register("Contact: <sip:alice@host.example.com:5060;transport=tcp>")
    assert len(worker.contacts()) == 2  # RFC 3261, 19.1.4: a port given is not the port left out


def test_expires_of_the_contact_goes_before_the_header_and_the_default(place: Any) -> None:
    worker = place(settings='modparam("registrar", "default_expires", 500)')
    answer = worker.register("Contact: <sip:a@192.0.2.1>;expires=100, <sip:b@192.0.2.1>", "Expires: 200")
    assert {uri: each["expires"] for uri, each in listed(answer).items()} == {
        "sip:a@192.0.2.1": "100", "sip:b@192.0.2.1": "200"}
    assert listed(worker.register("Contact: <sip:c@192.0.2.1>"))["sip:c@192.0.2.1"]["expires"] == "500"


def test_expires_stays_within_limits(place: Any) -> None:
    worker = place(settings='modparam("registrar", "min_expires", 100)\nmodparam("registrar", "max_expires", 200)')
    answer = worker.register("Contact: <sip:a@192.0.2.1>;expires=5, <sip:b@192.0.2.1>;expires=900")
    assert {uri: each["expires"] for uri, each in listed(answer).items()} == {
        "sip:a@192.0.2.1": "100", "sip:b@192.0.2.1": "200"}


@pytest.mark.parametrize("flags", ["min-expires=300, max-expires=400", "e300E400"])
def test_flags_set_other_limits(place: Any, flags: str) -> None:
    worker = place(f'save("location", "{flags}");', 'modparam("registrar", "min_expires", 100)')
    answer = worker.register("Contact: <sip:a@192.0.2.1>;expires=5, <sip:b@192.0.2.1>;expires=900")
    assert sorted(each["expires"] for each in listed(answer).values()) == ["300", "400"]


def test_expiry_times_can_be_spread(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def drawn(low: int, high: int) -> int:
        asked.append((low, high))
        return -70

    monkeypatch.setattr(random, "randint", drawn)
    worker = place(settings='modparam("registrar", "expires_max_deviation", 100)')
    answer = worker.register("Contact: <sip:a@192.0.2.1>;expires=1800")
    assert listed(answer)["sip:a@192.0.2.1"]["expires"] == "1730"
    worker.register("Contact: <sip:a@192.0.2.1>;expires=0")
    assert (asked, worker.contacts()) == ([(-100, 100)], [])


def test_zero_removes_and_what_is_not_there_is_no_error(place: Any) -> None:
    worker = place()
    worker.register("Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.1>")
    answer = worker.register("Contact: <sip:a@192.0.2.1>;expires=0, <sip:c@192.0.2.1>;expires=0")
    assert list(listed(answer)) == ["sip:b@192.0.2.1"]
    worker.register("Contact: <sip:b@192.0.2.1>", "Expires: 0")
    assert (worker.contacts(), worker.table.users()) == ([], 0)


def test_star_removes_everything(place: Any) -> None:
    worker = place()
    worker.register("Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.1>")
    answer = worker.register("Contact: *", "Expires: 0")
    assert (answer.status, answer.contacts, worker.contacts()) == (200, [], [])


@pytest.mark.parametrize("uri", ["sip:alice@", "sip:alice@;lr", "sips:@192.0.2.1", "sip:alice@192.0.2.1:99999"])
def test_a_contact_that_leads_nowhere_is_refused(place: Any, uri: str) -> None:
    worker = place()
    assert worker.register(CONTACT, f"Contact: <{uri}>").status == 400
    assert worker.contacts() == []


@pytest.mark.parametrize("headers", [("Contact: *",), ("Contact: *", "Expires: 60"),
                                     ("Contact: <sip:b@192.0.2.1>", "Contact: *", "Expires: 0")])
def test_star_with_anything_else_is_refused(place: Any, headers: tuple[str, ...]) -> None:
    worker = place()
    worker.register(CONTACT)
    assert worker.register(*headers).status == 400
    assert len(worker.contacts()) == 1


def test_an_older_cseq_of_the_same_call_id_changes_nothing(place: Any) -> None:
    worker = place()
    worker.register(CONTACT, cseq=5)
    assert worker.register("Contact: <sip:new@192.0.2.1>", CONTACT + ";expires=0", cseq=4).status == 400
    assert worker.register("Contact: *", "Expires: 0", cseq=5).status == 400
    assert worker.contacts() == ["sip:alice@192.0.2.1:5062"]
    assert worker.register(CONTACT + ";expires=0", cseq=1, call_id="call-2").status == 200
    assert worker.contacts() == []
    assert worker.counted("registrar") == {"accepted_regs": 2, "rejected_regs": 2, "default_expire": 3600}


def test_a_retransmission_is_answered_and_changes_nothing(place: Any) -> None:
    worker = place()
    worker.register(CONTACT, cseq=5)
    worker.pass_wall(10)
    answer = worker.register(CONTACT, cseq=5)
    assert listed(answer)["sip:alice@192.0.2.1:5062"]["expires"] == "3590"


@pytest.mark.parametrize(("dialect", "settings", "status"), [
    ("4.0", "", 200), ("4.0", 'modparam("registrar", "allow_dup_cseq", 0)', 400), ("2.1", "", 400)])
def test_the_same_cseq_after_a_while(place: Any, dialect: str, settings: str, status: int) -> None:
    worker = place('save("location", "", "sip:alice@example.com");', settings
                   + '\nmodparam("usrloc", "use_domain", 1)', dialect)
    worker.register(CONTACT, cseq=5)
    worker.pass_wall(19)
    assert worker.register(CONTACT, cseq=5).status == 200
    worker.pass_wall(2)
    assert worker.register(CONTACT, cseq=5).status == status
    assert worker.bindings()[0].expires == START + 3600 + (21 if status == 200 else 0)


def test_no_retransmissions_with_cseq_delay_zero(place: Any) -> None:
    worker = place(settings='modparam("usrloc", "cseq_delay", 0)\nmodparam("registrar", "allow_dup_cseq", 0)')
    worker.register(CONTACT, cseq=5)
    assert worker.register(CONTACT, cseq=5).status == 400


def test_too_many_contacts_are_refused_as_a_whole(place: Any) -> None:
    worker = place(settings='modparam("registrar", "max_contacts", 2)\nmodparam("registrar", "retry_after", 30)')
    worker.register("Contact: <sip:a@192.0.2.1>")
    answer = worker.register("Contact: <sip:b@192.0.2.1>, <sip:c@192.0.2.1>")
    assert (answer.status, answer.header("Retry-After"), worker.contacts()) == (503, "30", ["sip:a@192.0.2.1"])
    assert worker.code == -2  # the answer has been sent, and the script goes on
    assert list(listed(answer)) == ["sip:a@192.0.2.1"]
    assert worker.register("Contact: <sip:a@192.0.2.1>;expires=0, <sip:b@192.0.2.1>, <sip:c@192.0.2.1>").status == 200
    assert worker.register("Contact: <sip:b@192.0.2.1>").status == 200


@pytest.mark.parametrize("flags", ["max-contacts=2,force-registration", "c2f"])
def test_newer_contacts_can_push_the_oldest_out(place: Any, flags: str) -> None:
    worker = place(f'save("location", "{flags}");')
    for name in "abcd":
        assert worker.register(f"Contact: <sip:{name}@192.0.2.1>").status == 200
        worker.pass_wall(1)
    assert worker.contacts() == ["sip:c@192.0.2.1", "sip:d@192.0.2.1"]
    assert worker.register("Contact: <sip:x@192.0.2.1>, <sip:y@192.0.2.1>, <sip:z@192.0.2.1>").status == 200
    assert worker.contacts() == ["sip:y@192.0.2.1", "sip:z@192.0.2.1"]


def test_a_flag_of_zero_lifts_the_limit(place: Any) -> None:
    worker = place('save("location", "max-contacts=0");', 'modparam("registrar", "max_contacts", 1)')
    worker.register("Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.1>")
    assert len(worker.contacts()) == 2


def test_expired_contacts_do_not_count(place: Any) -> None:
    worker = place(settings='modparam("registrar", "max_contacts", 1)')
    worker.register("Contact: <sip:a@192.0.2.1>;expires=60")
    worker.pass_wall(60)
    assert worker.register("Contact: <sip:b@192.0.2.1>").status == 200
    assert worker.contacts() == ["sip:b@192.0.2.1"]


@pytest.mark.parametrize("flags", ["no-reply", "r"])
def test_without_reply(place: Any, flags: str) -> None:
    worker = place(f'save("location", "{flags}"); if ($rc == -2) $avp(failed) = 1;')
    assert worker.register(CONTACT) is None
    assert len(worker.contacts()) == 1
    assert worker.register("Contact: *") is None
    assert worker.runs[-1].avps == {"failed": [1]}


def test_only_the_contacts_of_the_request_are_listed(place: Any) -> None:
    worker = place('save("location", "only-request-contacts");')
    worker.register("Contact: <sip:a@192.0.2.1>")
    assert list(listed(worker.register("Contact: <sip:b@192.0.2.1>"))) == ["sip:b@192.0.2.1"]


def test_another_address_of_record(place: Any) -> None:
    worker = place('save("location", "", "sip:boss@example.org;x=y");')
    worker.register(CONTACT)
    assert worker.contacts("boss@example.org") == ["sip:alice@192.0.2.1:5062"]
    worker = place('$avp(aor) = "none of these"; save("location", , $avp(aor));')
    assert worker.register(CONTACT).status == 400


@pytest.mark.parametrize(("dialect", "settings", "aor"), [
    ("4.0", "", "Alice@sip.example.com"), ("2.1", "", "Alice"),
    ("2.1", 'modparam("usrloc", "use_domain", 1)', "Alice@sip.example.com"),
    ("4.0", 'modparam("registrar", "realm_prefix", "sip.")', "Alice@example.com"),
    ("4.0", 'modparam("registrar", "case_sensitive", 0)', "alice@sip.example.com")])
def test_the_address_of_record(place: Any, dialect: str, settings: str, aor: str) -> None:
    worker = place('save("location");', settings, dialect)
    message = register(CONTACT).replace(b"To: <sip:alice@example.com>", b"To: <sip:Alice@sip.EXAMPLE.com:5061;x>")
    assert worker.ask(message).status == 200
    assert worker.contacts(aor) == ["sip:alice@192.0.2.1:5062"]


@pytest.mark.parametrize(("parameter", "value", "status"), [
    ("max_username_len", 4, 400), ("max_username_len", 5, 200), ("max_domain_len", 10, 400),
    ("max_domain_len", 11, 200), ("max_aor_len", 16, 400), ("max_aor_len", 17, 200), ("max_contact_len", 23, 400),
    ("max_contact_len", 24, 200)])
def test_lengths_are_limited(place: Any, parameter: str, value: int, status: int) -> None:
    worker = place(settings=f'modparam("registrar", "{parameter}", {value})')
    assert worker.register(CONTACT).status == status
    assert len(worker.contacts()) == (status == 200)


def test_user_is_needed_where_the_domain_does_not_count(place: Any) -> None:
    worker = place(dialect="2.1")
    message = register(CONTACT).replace(b"To: <sip:alice@example.com>", b"To: <sip:example.com>")
    assert worker.ask(message).status == 400


@pytest.mark.parametrize(("to", "status"), [("isbn:2983792873", 400), ("<http://example.com>", 400),
                                            ("<tel:+15550100>", 200)])
def test_an_address_of_record_has_a_known_scheme(place: Any, to: str, status: int) -> None:
    worker = place()
    message = register(CONTACT).replace(b"To: <sip:alice@example.com>", f"To: {to}".encode())
    assert worker.ask(message).status == status


def test_q_orders_the_contacts(place: Any) -> None:
    worker = place(settings='modparam("registrar", "default_q", 400)')
    answer = worker.register("Contact: <sip:a@192.0.2.1>;q=0.25, <sip:b@192.0.2.1>, <sip:c@192.0.2.1>;q=1.0")
    assert [(each.uri, each.parameter("q")) for each in answer.contacts] == [
        ("sip:c@192.0.2.1", "1"), ("sip:b@192.0.2.1", "0.4"), ("sip:a@192.0.2.1", "0.25")]


def test_the_newest_first(place: Any) -> None:
    worker = place(settings='modparam("usrloc", "desc_time_order", 1)')
    for name in "aba":
        worker.register(f"Contact: <sip:{name}@192.0.2.1>;q=0.{ord(name) - 90}")
        worker.pass_wall(1)
    assert worker.contacts() == ["sip:a@192.0.2.1", "sip:b@192.0.2.1"]


@pytest.mark.parametrize(("flags", "count"), [("matching-mode=0", 1), ("matching-mode=1", 2), ("M1", 2), ("M0", 1)])
def test_matching_by_call_id(place: Any, flags: str, count: int) -> None:
    worker = place(f'save("location", "{flags}");')
    worker.register(CONTACT)
    worker.register(CONTACT, call_id="call-2")
    assert len(worker.contacts()) == count


def test_matching_mode_of_usrloc(place: Any) -> None:
    worker = place(settings='modparam("usrloc", "matching_mode", 1)')
    worker.register(CONTACT)
    worker.register(CONTACT, call_id="call-2")
    assert len(worker.contacts()) == 2


@pytest.mark.parametrize("flags", ["matching-mode=<rinstance>", "M<rinstance>"])
def test_matching_by_a_uri_parameter(place: Any, flags: str) -> None:
    worker = place(f'save("location", "{flags}");')
    worker.register("Contact: <sip:a@192.0.2.1;rinstance=7>")
    worker.register("Contact: <sip:a@192.0.2.99;rinstance=7>")
    worker.register("Contact: <sip:a@192.0.2.99;rinstance=8>")
    worker.register("Contact: <sip:a@192.0.2.99>")
    assert worker.contacts() == ["sip:a@192.0.2.99;rinstance=7", "sip:a@192.0.2.99;rinstance=8", "sip:a@192.0.2.99"]


PATHS = ("Path: <sip:p1.example.com;lr;received=sip:10.0.0.1:7000%3btransport=tcp>, <sip:p2.example.com;lr>",)


@pytest.mark.parametrize(("flags", "supported", "status", "stored", "echoed"), [
    ("", True, 200, False, False), ("path-off", True, 200, True, False), ("p0", False, 200, True, False),
    ("path-lazy", True, 200, True, True), ("p1", False, 200, True, False),
    ("path-strict", True, 200, True, True), ("p2", False, 420, False, True)])
def test_path(place: Any, flags: str, supported: bool, status: int, stored: bool, echoed: bool) -> None:
    worker = place(f'save("location", "{flags}");')
    answer = worker.register(CONTACT, *PATHS, *(["Supported: timer, path"] if supported else []))
    path = PATHS[0].partition(": ")[2]  # as it came
    assert answer.status == status
    assert answer.header("Path") == (path if echoed else None)
    assert answer.header("Unsupported") == ("path" if status == 420 else None)
    assert [each.path for each in worker.bindings()] == ([path if stored else ""] if status == 200 else [])


@pytest.mark.parametrize("flags", ["path-lazy, path-received", "p1v"])
def test_received_of_the_first_path(place: Any, flags: str) -> None:
    worker = place(f'save("location", "{flags}");', 'modparam("usrloc", "nat_bflag", "NAT")')
    answer = worker.register(CONTACT, *PATHS)
    binding, = worker.bindings()
    assert binding.received == "sip:10.0.0.1:7000;transport=tcp"
    assert binding.cflags == 1 << worker.usrloc.nat_bflag != 0
    assert answer.header("Contact").endswith(';received="sip:10.0.0.1:7000;transport=tcp"')


def test_received_of_a_proxy_with_two_paths_is_in_the_second(place: Any) -> None:
    worker = place('save("location", "path-lazy, path-received");')
    worker.register(CONTACT, "Path: <sip:p1.example.com;transport=tcp;r2=on;lr>",
                    "Path: <sip:p1.example.com;received=sip:10.0.0.1:7000;r2=on;lr>")
    binding, = worker.bindings()
    assert (binding.received, binding.path) == (
        "sip:10.0.0.1:7000", "<sip:p1.example.com;transport=tcp;r2=on;lr>,"
        "<sip:p1.example.com;received=sip:10.0.0.1:7000;r2=on;lr>")


@pytest.mark.parametrize("q", ["2", "x", "-1"])
def test_a_preference_that_is_none_is_refused(place: Any, q: str) -> None:
    worker = place()
    answer = worker.register(f"Contact: <sip:a@192.0.2.1>;q={q}")
    assert (answer.status, answer.header("P-Registrar-Error")) == (400, "Invalid q param in contact")
    assert worker.contacts() == []


def test_received_attribute_and_branch_flags_come_from_the_script(place: Any) -> None:
    worker = place('$avp(rcv) = "sip:198.51.100.7:7777"; $avp(attr) = "floor 3"; setbflag("NAT"); save("location");',
                   'modparam("registrar", "received_avp", "$avp(rcv)")\n'
                   'modparam("registrar", "received_param", "rcv")\nmodparam("registrar", "attr_avp", "$avp(attr)")')
    answer = worker.register(CONTACT)
    binding, = worker.bindings()
    assert (binding.received, binding.attr, bin(binding.cflags).count("1")) == ("sip:198.51.100.7:7777", "floor 3", 1)
    assert listed(answer)["sip:alice@192.0.2.1:5062"]["rcv"] == '"sip:198.51.100.7:7777"'
    worker = place()
    worker.register(CONTACT, user="bob")
    assert [(each.received, each.attr) for each in worker.bindings("bob@example.com")] == [("", "")]


@pytest.mark.parametrize("flags", ["socket-header", "s"])
def test_socket_from_a_header(place: Any, flags: str) -> None:
    worker = place(f'save("location", "{flags}");', 'modparam("registrar", "sock_hdr_name", "Sock-Info")')
    worker.register(CONTACT, "Sock-Info: tcp:198.51.100.1:5080")
    assert worker.bindings()[0].socket == "tcp:198.51.100.1:5080"
    worker.register(CONTACT)
    assert worker.bindings()[0].socket == "udp:192.0.2.9:5060"


def test_methods_come_from_the_contact_or_from_allow(place: Any) -> None:
    worker = place()
    worker.register('Contact: <sip:a@192.0.2.1>;methods="INVITE, MESSAGE", <sip:b@192.0.2.1>', "Allow: INVITE, ACK",
                    "Allow: BYE")
    assert [each.methods for each in worker.bindings()] == [1 | 256, 1 | 4 | 8]
    worker.register("Contact: <sip:c@192.0.2.1>")
    assert worker.bindings()[-1].methods == 0xFFFFFFFF


def test_memory_only_and_ownership_tag_are_noted(place: Any) -> None:
    worker = place('save("location", "memory-only", , "vip");')
    worker.register(CONTACT)
    assert [(each.flags, each.tag) for each in worker.bindings()] == [(1, "vip")]


class Connection:
    """A stream that notes how long it is to be kept."""

    kept = 0.0

    def keep(self, seconds: float) -> None:
        self.kept = seconds


@pytest.mark.parametrize(("script", "kept"), [('setflag("KEEP"); ', 900), ("", 0)])
def test_connections_last_as_long_as_contacts_where_the_flag_says_so(place: Any, script: str, kept: int) -> None:
    worker = place(f'{script}save("location");', 'modparam("registrar", "tcp_persistent_flag", "KEEP")')
    message = parse(register("Contact: <sip:a@192.0.2.1;transport=tcp>;expires=900", protocol="TCP"))
    message.listener, message.connection = worker.network.tcp, Connection()
    worker.run_on(message)
    assert message.connection.kept == kept


INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'


def test_outbound_flows_are_known_by_instance_and_number(place: Any) -> None:
    worker = place()
    answer = worker.register(f"Contact: <sip:a@192.0.2.1>;{INSTANCE};reg-id=1", "Supported: outbound")
    assert (answer.header("Require"), listed(answer)["sip:a@192.0.2.1"]["reg-id"]) == ("outbound", "1")
    worker.register(f"Contact: <sip:moved@192.0.2.7>;{INSTANCE};reg-id=1", "Supported: outbound")
    worker.register(f"Contact: <sip:a@192.0.2.1>;{INSTANCE};reg-id=2", "Supported: outbound", tcp=True)
    assert [(each.contact, each.reg_id, each.received) for each in worker.bindings()] == [
        ("sip:moved@192.0.2.7", 1, "sip:192.0.2.1:5062"), ("sip:a@192.0.2.1", 2, "sip:192.0.2.1:5062;transport=tcp")]


def test_outbound_is_ignored_where_the_client_does_not_support_it(place: Any) -> None:
    worker = place()
    assert worker.register(f"Contact: <sip:a@192.0.2.1>;{INSTANCE};reg-id=1").header("Require") is None
    assert [(each.reg_id, each.received) for each in worker.bindings()] == [(0, "")]


@pytest.mark.parametrize(("path", "status"), [(None, 439), ("<sip:edge.example.com;lr>", 439),
                                              ("<sip:edge.example.com;lr;ob>", 200)])
def test_outbound_needs_a_first_hop_that_keeps_the_flow(place: Any, path: str | None, status: int) -> None:
    worker = place('save("location", "path-lazy");')
    headers = [f"Contact: <sip:a@192.0.2.1>;{INSTANCE};reg-id=1", "Supported: outbound, path"]
    answer = worker.register(*headers, *([f"Path: {path}"] if path else []),
                             via="Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKedge")
    assert answer.status == status
    assert [(each.path, each.received) for each in worker.bindings()] == ([(path, "")] if status == 200 else [])


@pytest.mark.parametrize("contacts", [
    f"<sip:a@192.0.2.1>;{INSTANCE};reg-id=0", f"<sip:a@192.0.2.1>;{INSTANCE};reg-id=x",
    f"<sip:a@192.0.2.1>;{INSTANCE};reg-id=\u00b2", f"<sip:a@192.0.2.1>;{INSTANCE};reg-id={'9' * 5000}",
    f"<sip:a@192.0.2.1>;{INSTANCE};reg-id=1, <sip:b@192.0.2.1>;{INSTANCE};reg-id=2"])
def test_bad_outbound_registrations(place: Any, contacts: str) -> None:
    worker = place()
    assert worker.register(f"Contact: {contacts}", "Supported: outbound").status == 400
    assert worker.contacts() == []


def test_contacts_of_the_request_are_kept_as_long_as_the_main_registrar_says(place: Any) -> None:
    worker = place("exit;", 'modparam("registrar", "mcontact_avp", "$avp(sent)")', routes="""
        onreply_route[plain] { save("location"); }
        onreply_route[changed] { $avp(sent) = "<sip:proxy@192.0.2.9;alias=1>"; save("location"); }""")
    asked = parse(register("Contact: <sip:a@192.0.2.1>;expires=60", "Contact: <sip:b@192.0.2.1>"))
    asked.listener = worker.network.udp
    answer = parse(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
                   b"To: <sip:a@x>;tag=2\r\nCall-ID: call-1\r\nCSeq: 1 REGISTER\r\nExpires: 700\r\n"
                   b"Contact: <sip:a@192.0.2.1>;expires=40, <sip:proxy@192.0.2.9;alias=1>\r\n"
                   b"Content-Length: 0\r\n\r\n")
    worker.run_on(answer, Route.ONREPLY, "plain", asked)
    assert [(each.contact, each.expires - START) for each in worker.bindings()] == [
        ("sip:a@192.0.2.1", 40), ("sip:b@192.0.2.1", 3600)]
    worker.table.apply("alice@example.com", lambda record: [record.delete(each) for each in list(record.bindings)])
    worker.run_on(answer, Route.ONREPLY, "changed", asked)
    assert {each.expires - START for each in worker.bindings()} == {700}
    assert worker.network.sent == []


def test_statistics_show_the_parameters(place: Any) -> None:
    worker = place(settings="\n".join(f'modparam("registrar", "{name}", {value})' for name, value in (
        ("max_expires", 7200), ("max_contacts", 5), ("default_expires", 1000))))
    assert worker.counted("registrar") == {"max_expires": 7200, "max_contacts": 5, "default_expire": 1000}


@pytest.mark.parametrize(("lines", "status", "phrase", "why"), [
    (("Contact: *", "Expires: 1"), 400, "Bad Request", "* used in contact and expires is not zero"),
    (("Contact: <sip:b@192.0.2.1>",), 503, "Service Unavailable", "Too many registered contacts"),
    (("Contact: <sip:a@192.0.2.1>", "Path: <sip:p;lr>"), 420, "Bad Extension", "No support for found Path indicated")])
def test_why_a_registration_fails(place: Any, lines: tuple[str, ...], status: int, phrase: str, why: str) -> None:
    worker = place('save("location", "max-contacts=1, path-strict");')
    worker.register("Contact: <sip:a@192.0.2.1>")
    answer = worker.register(*lines)
    assert (answer.status, answer.reason, answer.header("P-Registrar-Error")) == (status, phrase, why)
