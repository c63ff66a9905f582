"""Figures of a call, as scripts read them from what an engine tells."""
from __future__ import annotations

import json

import pytest

from opensips_py.modules.rtpengine import figures
from tests.modules.rtpengine.engines import PONG
from tests.modules.rtpengine.test_functions import DIALECTS, invite

QUERY = {
    "result": "ok", "created": 1000,
    "totals": {"RTP": {"packets": 10, "bytes": 1720, "errors": 1}, "RTCP": {"packets": 2, "bytes": 200, "errors": 0}},
    "SSRC": {
        "11": {"average MOS": {"MOS": 40, "jitter": 4, "round-trip time": 100, "packet loss": 1},
               "lowest MOS": {"MOS": 30, "jitter": 8, "round-trip time": 120, "packet loss": 5, "reported at": 1010},
               "highest MOS": {"MOS": 44, "jitter": 2, "round-trip time": 90, "packet loss": 0, "reported at": 1020}},
        "22": {"average MOS": {"MOS": 43, "jitter": 2, "round-trip time": 50, "packet loss": 0},
               "lowest MOS": {"MOS": 42, "jitter": 3, "round-trip time": 55, "packet loss": 0, "reported at": 1005},
               "highest MOS": {"MOS": 45, "jitter": 1, "round-trip time": 45, "packet loss": 0, "reported at": 1030},
               "MOS progression": {"interval": 1, "entries": [{"MOS": 43, "jitter": 9, "reported at": 1040}]}}},
    "tags": {"a": {"medias": [{"streams": [{"SSRC": 11}, {}]}]}, "b": {"medias": [{"streams": [{"SSRC": 22}]}]}}}


@pytest.mark.parametrize(("name", "of_all", "of_a", "of_b"), [
    ("MOS-average", 41, 40, 43), ("MOS-min", 30, 30, 42), ("MOS-max", 45, 44, 45), ("MOS-min-at", 10, 10, 5),
    ("MOS-max-at", 30, 20, 30), ("jitter-average", 3, 4, 2), ("jitter-min", 3, 8, 3), ("jitter-max", 2, 2, 1),
    ("jitter-min-at", 5, 10, 5), ("jitter-max-at", 20, 20, 30), ("roundtrip-average", 75, 100, 50),
    ("roundtrip-min", 55, 120, 55), ("roundtrip-max", 90, 90, 45), ("roundtrip-min-at", 5, 10, 5),
    ("roundtrip-max-at", 20, 20, 30), ("packetloss-average", 0, 1, 0), ("packetloss-min", 0, 5, 0),
    ("packetloss-max", 0, 0, 0), ("packetloss-min-at", 5, 10, 5), ("packetloss-max-at", 20, 20, 30)])
def test_figures(name, of_all, of_a, of_b):
    found = [figures.figure(QUERY, name, tag) for tag in (None, "a", "b")]
    assert found == [of_all, of_a, of_b]
    assert name in figures.NAMES and figures.figure(QUERY, name, "nobody") is None


@pytest.mark.parametrize("answer", [
    {}, {"SSRC": []}, {"SSRC": {"1": 5}}, {"SSRC": {"1": {"average MOS": "x", "lowest MOS": [], "MOS progression": 1}}},
    {"SSRC": {"1": {}}, "tags": {"a": {"medias": [5, {"streams": [7, {"SSRC": {}}]}]}}}, {"tags": 7}, {"totals": []}])
@pytest.mark.parametrize("name", figures.NAMES)
def test_engines_that_tell_nothing_of_use(answer, name):
    assert figures.figure(answer, name, None) is None
    assert figures.figure(answer, name, "a") is None
    assert figures.totals(answer) is None


@DIALECTS
def test_totals_in_a_script(start, fake, dialect):
    engine = fake(lambda question: PONG if question["command"] == "ping" else QUERY)
    server = start("$var(all) = $rtpstat;", engine, dialect=dialect)
    invite(server)
    assert server.variables["all"] == ("RTP: 1720 bytes, 10 packets, 1 errors; RTCP: 200 bytes, 2 packets, 0 errors")
    assert engine.asked[-1]["command"] == "query" and engine.asked[-1]["call-id"] == "call"


def test_figures_in_a_script(start, fake):
    engine = fake(lambda question: PONG if question["command"] == "ping" else QUERY)
    server = start('$var(tag) = "b"; $var(all) = $rtpstat(MOS-average); $var(b) = $(rtpstat(MOS-min)[$var(tag)]); '
                   "$var(no) = $rtpstat(nothing); $var(json) = $rtpquery;", engine)
    invite(server)
    assert (server.variables["all"], server.variables["b"], server.variables.get("no")) == (41, 42, None)
    assert engine.commands() == ["query"]  # once for all
    assert "\": " not in server.variables["json"]
    assert json.loads(server.variables["json"]) == QUERY


def test_calls_that_no_engine_knows(start, fake):
    engine = fake(lambda question: PONG if question["command"] == "ping" else
                  {"result": "error", "error-reason": "Unknown call-id"})
    server = start("$var(a) = $rtpstat; $var(b) = $rtpstat(MOS-min); $var(c) = $rtpquery; $var(end) = 1;", engine)
    invite(server)
    assert {name: value for name, value in server.variables.items() if value is not None} == {"end": 1}
