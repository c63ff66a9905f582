"""REGISTER messages of RFC 4475: what is stored is the URI, no less and no more."""
from __future__ import annotations

from typing import Any


def ask(worker: Any, *lines: str) -> Any:
    return worker.ask("\r\n".join(["REGISTER sip:example.com SIP/2.0", *lines, "l: 0", "", ""]).encode())


def test_a_parameter_outside_of_brackets_belongs_to_the_header(place: Any) -> None:
    worker = place()
    common = ["Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw", "Max-Forwards: 70",
              "From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe", "To: sip:watson@example.com"]
    assert ask(worker, *common, "Call-ID: cparam01", "CSeq: 2 REGISTER",
               "Contact: sip:+19725552222@gw1.example.net;unknownparam").status == 200
    assert [each.contact for each in worker.table.stored("watson@example.com")] == ["sip:+19725552222@gw1.example.net"]
    assert ask(worker, *common, "Call-ID: cparam02", "CSeq: 3 REGISTER",
               "Contact: <sip:+19725552222@gw1.example.net;unknownparam>").status == 200
    assert [each.contact for each in worker.table.stored("watson@example.com")] == [
        "sip:+19725552222@gw1.example.net;unknownparam"]


def test_an_escaped_header_in_a_contact_is_kept(place: Any) -> None:
    worker = place()
    answer = ask(worker, "To: sip:user@example.com", "From: sip:user@example.com;tag=8", "Max-Forwards: 70",
                 "Call-ID: regescrt.k345asrl3fdbv@192.0.2.1", "CSeq: 14398234 REGISTER",
                 "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw",
                 "M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>")
    assert answer.contacts[0].uri == "sip:user@example.com?Route=%3Csip:sip.example.com%3E"


def test_escaped_nulls_make_different_users(place: Any) -> None:
    worker = place()
    answer = ask(worker, "To: sip:null-%00-null@example.com", "From: sip:null-%00-null@example.com;tag=839923423",
                 "Max-Forwards: 70", "Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd",
                 "CSeq: 14398234 REGISTER", "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw",
                 "Contact: <sip:%00@host5.example.com>", "Contact: <sip:%00%00@host5.example.com>")
    uris = ["sip:%00@host5.example.com", "sip:%00%00@host5.example.com"]
    assert [each.uri for each in answer.contacts] == uris
    assert [each.contact for each in worker.table.stored("null-\0-null@example.com")] == uris
    assert worker.table.stored("null-") == []
