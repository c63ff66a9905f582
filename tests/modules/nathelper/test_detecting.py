"""What tells that a sender is behind NAT."""
from __future__ import annotations

import pytest

from opensips_py.module.run import Route
from tests.modules.bench import Bench
from tests.modules.nathelper.messages import SDP, SOURCE, arrived, invite, play

CLEAN = invite(f"<sip:alice@{SOURCE}:40001>", f"{SOURCE}:40001", SDP.replace("10.0.0.5", SOURCE))
WORDS = ("private-contact", "diff-ip-src-via", "private-via", "private-sdp", "diff-port-src-via", "diff-ip-src-contact",
         "diff-port-src-contact")


def says(flags: str, text: str, dialect: str = "4.0", host: str = SOURCE) -> bool:
    """What the function finds."""
    head, _, body = text.partition("\r\n\r\n")
    text = f"{head.rpartition('Content-Length')[0]}Content-Length: {len(body)}\r\n\r\n{body}"
    sent, run = play(f'nat_uac_test("{flags}");', text, dialect=dialect, host=host)
    assert sent.data == text.encode()  # it changes nothing
    return {1: True, -1: False}[run.variables["rc"]]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
@pytest.mark.parametrize("bit", range(7))
def test_each_test_alone(bit, dialect):
    number = str(1 << bit)
    assert says(number, invite(), dialect)
    assert not says(number, CLEAN, dialect)


@pytest.mark.parametrize(("text", "bits"), [
    (CLEAN.replace(f"Contact: <sip:alice@{SOURCE}", "Contact: <sip:alice@192.168.1.1"), {1, 32}),
    (CLEAN.replace(f"UDP {SOURCE}", "UDP 172.31.0.1"), {2, 4}), (CLEAN.replace(f"UDP {SOURCE}", "UDP 192.0.2.8"), {2}),
    (CLEAN.replace(f"c=IN IP4 {SOURCE}", "c=IN IP4 100.64.3.1/127"), {8}),
    (CLEAN.replace(f"UDP {SOURCE}:40001", f"UDP {SOURCE}"), {16}),
    (CLEAN.replace(f"alice@{SOURCE}", "alice@192.0.2.8"), {32}),
    (CLEAN.replace(f"alice@{SOURCE}", "alice@home.example.com"), {32}),
    (CLEAN.replace("alice@203.0.113.7:40001", "alice@203.0.113.7"), {64}),
    (CLEAN.replace(f"UDP {SOURCE}", "UDP phone.example.com"), {2})])
def test_which_tests_find_what(text, bits):
    assert {1 << bit for bit in range(7) if says(str(1 << bit), text)} == bits
    assert {1 << bit for bit, word in enumerate(WORDS) if says(word, text)} == bits


def test_any_of_several_will_do():
    text = CLEAN.replace(f"c=IN IP4 {SOURCE}", "c=IN IP4 10.1.1.1")
    assert says("27", text) and says("private-contact,private-sdp", text)
    assert not says("19", text) and not says("private-contact, private-via", text)


@pytest.mark.parametrize(("address", "private"), [
    ("10.0.0.1", True), ("172.15.255.255", False), ("172.16.0.0", True), ("172.31.255.255", True),
    ("172.32.0.0", False),
    ("192.168.255.1", True), ("192.169.0.1", False), ("100.63.0.1", False), ("100.64.0.0", True),
    ("100.127.255.255", True), ("100.128.0.0", False), ("11.0.0.1", False), ("10.example.com", False),
    ("[2001:db8::1]", False), ("192.0.0.1", False), ("128.0.0.1", False), ("126.255.255.255", False)])
def test_private_addresses(address, private):
    assert says("private-contact", CLEAN.replace(f"alice@{SOURCE}", f"alice@{address}")) is private


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.0.9"])
@pytest.mark.parametrize(("bit", "before"), [(1, "alice@"), (4, "UDP "), (8, "c=IN IP4 ")])
def test_addresses_of_the_machine_itself_are_private_in_4_0(bit, before, address, dialect):
    assert says(str(bit), CLEAN.replace(f"{before}{SOURCE}", f"{before}{address}"), dialect) is (dialect == "4.0")


@pytest.mark.parametrize(("where", "flag"), [("alice@", 1), ("UDP ", 4), ("c=IN IP4 ", 8)])
def test_addresses_between_provider_and_customer(where, flag):
    text = CLEAN.replace(where + SOURCE, where + "192.0.0.6")
    assert says(str(flag | 128), text) and not says(str(flag), text)
    assert not says(str(flag | 128), text.replace("192.0.0.6", "192.0.0.9"))
    assert not says(str(flag | 128), text, "2.1")  # which does not know them
    assert says(f'carrier-grade-nat,{WORDS[flag.bit_length() - 1]}', text)


def test_several_contacts_and_streams():
    assert says("1", CLEAN.replace("Contact: ", "Contact: <sip:a@10.0.0.1>, "))
    assert says("8", CLEAN.replace("m=audio", "m=video 1 RTP/AVP 34\r\nc=IN IP4 10.2.2.2\r\nm=audio"))


def test_part_of_a_body():
    content = f"--b\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b--\r\n"
    assert says("8", invite(body=content, kind="multipart/mixed;boundary=b"))
    assert not says("8", invite(body=content, kind="text/plain"))


@pytest.mark.parametrize("contact", ["", "*", "<tel:+1>", "<mailto:alice@10.0.0.5>"])
def test_contacts_that_say_nothing(contact):
    assert not says("97", invite(contact))


def test_ipv6():
    text = invite("<sip:alice@[2001:DB8::7]:40001>", "[2001:db8:0::7]:40001", "")
    assert not says("127", text, host="2001:db8::7")
    assert says("2", text, host="2001:db8::8") and says("32", text, host="2001:db8::8")


@pytest.mark.parametrize(("kind", "header"), [
    (Route.FAILURE, "failure_route[t]"), (Route.ONREPLY, "onreply_route[t]"), (Route.BRANCH, "branch_route[t]"),
    (Route.LOCAL, "local_route")])
def test_routes(kind, header):
    bench = Bench("nathelper", routes=f'{header} {{ nat_uac_test("1"); $var(rc) = $rc; }}')
    message = arrived(bench, invite())
    run = bench.run_on(message, kind, "t" if kind != Route.LOCAL else "", request=message)
    assert run.variables == {"rc": 1}
