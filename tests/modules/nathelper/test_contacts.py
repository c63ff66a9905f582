"""Contacts that lead back through NAT."""
from __future__ import annotations

import pytest

from opensips_py.sip import parse
from tests.modules.bench import Bench
from tests.modules.nathelper.messages import SOURCE, arrived, invite, play

PLACE = f"{SOURCE}:40001"


def contact_after(body: str, contact: str, **how) -> tuple[str | None, int]:
    """The Contact that leaves, and what the last call answered."""
    sent, run = play(body, invite(contact), **how)
    values = [each.value for each in sent.headers("Contact")]
    return ", ".join(values) or None, run.variables["rc"]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
@pytest.mark.parametrize(("before", "after"), [
    ("<sip:alice@10.0.0.5:5062>", f"<sip:alice@{PLACE}>"), ("sip:10.0.0.5", f"<sip:{PLACE}>"),
    ('"A" <sips:a:pw@10.0.0.5;x=1?h=2>;q=0.5;expires=60', f'"A" <sips:a:pw@{PLACE};x=1?h=2>;q=0.5;expires=60'),
    ("sip:a@10.0.0.5;expires=60", f"<sip:a@{PLACE}>;expires=60"),
    ("<sip:a@10.0.0.5>;q=1, <sip:b@10.0.0.5:9>", f"<sip:a@{PLACE}>;q=1, <sip:b@{PLACE}>"),
    ("<tel:+1>, <sip:b@[fd00::1]>", f"<tel:+1>, <sip:b@{PLACE}>")])
def test_contact_gets_the_source(before, after, dialect):
    assert contact_after("fix_nated_contact();", before, dialect=dialect) == (after, 1)


def test_source_of_ipv6():
    assert contact_after("fix_nated_contact();", "<sip:a@h>", host="2001:db8::7") == (
        "<sip:a@[2001:db8::7]:40001>", 1)


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_parameters_are_added(dialect):
    assert contact_after('fix_nated_contact(";ata=cisco;nat");', "<sip:a@h;x?y=1>", dialect=dialect) == (
        f"<sip:a@{PLACE};ata=cisco;nat;x?y=1>", 1)
    assert contact_after('fix_nated_contact(";ata");', "sip:a@h", dialect=dialect) == (f"<sip:a@{PLACE};ata>", 1)


def test_twice_is_once():
    assert contact_after('fix_nated_contact(";a=1"); fix_nated_contact(";a=1"); fix_nated_contact(";b");',
                         "<sip:a@h>") == (f"<sip:a@{PLACE};a=1;b>", 1)


@pytest.mark.parametrize("contact", ["", "*", "<tel:+1>", "<mailto:a@h>"])
@pytest.mark.parametrize("call", ["fix_nated_contact()", "add_rcv_param()", "add_rcv_param(1)"])
def test_without_a_sip_contact_nothing_is_done(contact, call):
    assert contact_after(f"{call};", contact) == (contact or None, 1)


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_received_parameter(dialect):
    assert contact_after("add_rcv_param();", "<sip:a@h>;q=1", dialect=dialect) == (
        f'<sip:a@h>;q=1;received="sip:{PLACE}"', 1)
    zero, one = ('"0"', '"1"') if dialect == "2.1" else ("0", "1")
    assert contact_after(f"add_rcv_param({zero});", "sip:a@h", tcp=True, dialect=dialect) == (
        f'<sip:a@h>;received="sip:{PLACE};transport=tcp"', 1)
    assert contact_after(f"add_rcv_param({one});", "<sip:a@h>", tcp=True, dialect=dialect) == (
        f"<sip:a@h;received=sip:{PLACE}%3Btransport%3Dtcp>", 1)


def test_changes_of_a_contact_compose():
    assert contact_after('fix_nated_contact(";n"); add_rcv_param(); add_rcv_param(1);', "<sip:a@h>") == (
        f'<sip:a@{PLACE};n;received=sip:{PLACE}>;received="sip:{PLACE}"', 1)


def test_branches_differ():
    bench = Bench("nathelper tm", 't_on_branch("b"); $branch = "sip:c@192.0.2.3"; t_relay();',
                  routes='branch_route[b] { if ($T_branch_idx == 1) fix_nated_contact(); }')
    bench.receive(arrived(bench, invite("<sip:a@h>")))
    sent = [parse(data) for _, data in bench.network.sent if data.startswith(b"INVITE")]
    assert [each.header("Contact") for each in sent] == ["<sip:a@h>", f"<sip:a@{PLACE}>"]


def test_what_a_branch_adds_stands_beside_what_all_get():
    bench = Bench("nathelper tm", 'fix_nated_contact(); t_on_branch("b"); t_relay();',
                  routes='branch_route[b] { fix_nated_contact(";b=1"); }')
    bench.receive(arrived(bench, invite("<sip:a@h>")))
    sent, = [parse(data) for _, data in bench.network.sent if data.startswith(b"INVITE")]
    assert sent.header("Contact") == f"<sip:a@{PLACE};b=1>"


@pytest.mark.parametrize(("host", "org"), [("10.0.0.5:5062", "MTAuMC4wLjU6NTA2Mg"), ("h.example", "aC5leGFtcGxl")])
def test_original_place_is_kept_and_restored(host, org):
    value, _ = contact_after('fix_nated_contact(";n", "preserve-uri");', f"<sip:a@{host};x>")
    assert value == f"<sip:a@{PLACE};n;org={org};x>"
    text = invite().replace("sip:bob@192.0.2.2", f"sip:a@{PLACE};x;org={org};n")
    _, run = play("restore_nated_ruri();", text)
    assert (run.message.uri, run.message.destination) == (f"sip:a@{host};x;n", f"sip:a@{PLACE};x;n")
    assert run.variables["rc"] == 1


def test_padding_of_others_is_understood():
    _, run = play("restore_nated_ruri();", invite().replace("sip:bob@192.0.2.2", "sip:a@h;org=MTAuMC4wLjU6NTA2Mg=="))
    assert run.message.uri == "sip:a@10.0.0.5:5062"


@pytest.mark.parametrize("parameters", ["", ";org", ";org=", ";org=!!", ";org=YUBi", ";org=aDt4", ";org=/////w"])
def test_what_cannot_be_restored(parameters):
    uri = f"sip:a@h{parameters}"
    _, run = play("restore_nated_ruri();", invite().replace("sip:bob@192.0.2.2", uri))
    assert (run.message.uri, run.message.destination, run.variables["rc"]) == (uri, None, -1)


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
@pytest.mark.parametrize(("tcp", "uri"), [(False, f"sip:{PLACE}"), (True, f"sip:{PLACE};transport=tcp")])
def test_register_notes_the_source(tcp, uri, dialect):
    _, run = play("fix_nated_register(); $var(uri) = $avp(rcv);",
                  settings='modparam("nathelper", "received_avp", "$avp(rcv)")', tcp=tcp, dialect=dialect)
    assert run.variables["uri"] == uri


def test_register_without_a_variable():
    assert play("fix_nated_register();")[1].variables["rc"] == -1
