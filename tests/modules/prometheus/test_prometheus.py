"""Statistics for Prometheus, read by its own client."""
import socket

import gevent
import pytest
import urllib3

from opensips_py.errors import ConfigError, MIError
from opensips_py.mi import remote
from opensips_py.statistics import Statistics
from tests.live import HOST, Server, ask, free_ports, options
from tests.modules.http_site import sites
from tests.modules.prometheus.test_families import read

site = pytest.fixture(sites)


class Workers:
    """Two workers that have counted, in place of those behind the dispatcher."""

    def __init__(self, commands, script=([], "")):
        self.script = script
        self.asked = []
        self.statistics = [Statistics(), Statistics()]
        for each in self.statistics:
            each.counter("tm", "2xx_transactions").add(5)
            each.gauge("dialog", "active_dialogs").set(2)
            each.register("load", "load", "function", lambda: 7)
            each.register("core", "timestamp", "function", lambda: 9, shared=True)
            each.counter("gateways", "calls_gw1").add(1)
            each.counter("gateways", "calls_gw2").add(2)
        commands.each, commands.any = self.each, self.any

    def each(self, operation, names):
        assert operation == "statistics"
        return {index: remote.rows(each, names) for index, each in enumerate(self.statistics)}

    def any(self, *operation):
        assert operation == ("module", "prometheus", "scripted")
        self.asked.append(operation)
        if isinstance(self.script, Exception):
            raise self.script
        return self.script


def metrics(site, script=([], ""), several=(), **parameters):
    here = site("4.0", ["prometheus"], prometheus=parameters)
    for name, value in several:
        here.registry.set_parameter("prometheus", name, value)
    workers = Workers(here.commands, script)
    answer = here.ask("GET", f"/{parameters.get('root', 'metrics')}")
    assert answer.status == 200, answer.data
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = read(answer.data.decode())
    assert not workers.asked or "script_route" in parameters
    return found


def numbers(found):
    return {name: samples for name, (_, _, samples) in found.items()}


def test_without_statistics_there_are_none(site):
    assert metrics(site) == {}


def test_workers_answer_as_one(site):
    found = metrics(site, statistics="2xx_transactions dialog: load: timestamp")
    assert {name: (kind, samples) for name, (kind, _, samples) in found.items()} == {
        "opensips_2xx_transactions": ("counter", [({}, 5.0)]), "opensips_active_dialogs": ("gauge", [({}, 2.0)]),
        "opensips_load": ("gauge", [({}, 14.0)]), "opensips_timestamp": ("gauge", [({}, 9.0)])}


def test_statistics_may_be_given_many_times(site):
    found = metrics(site, statistics="load:", several=[("statistics", "timestamp")])
    assert set(found) == {"opensips_load", "opensips_timestamp"}


def test_all(site):
    assert len(metrics(site, statistics="all")) == 6


@pytest.mark.parametrize("parameters, expected", [
    ({}, {"opensips_timestamp": {}}), ({"prefix": "o"}, {"o_timestamp": {}}), ({"prefix": ""}, {"timestamp": {}}),
    ({"group_mode": 1}, {"opensips_core_timestamp": {}}),
    ({"group_mode": 1, "delimiter": ":"}, {"opensips:core:timestamp": {}}),
    ({"group_mode": 1, "group_prefix": "g"}, {"opensips_g_core_timestamp": {}}),
    ({"group_mode": 2}, {"opensips_timestamp": {"group": "core"}}),
    ({"group_mode": 2, "group_label": "grp", "group_prefix": "g"}, {"opensips_timestamp": {"grp": "g_core"}}),
    ({"root": "prometheus"}, {"opensips_timestamp": {}})])
def test_where_the_group_goes(site, parameters, expected):
    found = metrics(site, statistics="timestamp", **parameters)
    assert {name: samples[0][0] for name, samples in numbers(found).items()} == expected


def test_labels_out_of_names(site):
    found = metrics(site, statistics="gateways: load:", labels=r'gateways: /^(.*)_(gw1)$/\1:gateway="\2"/',
                    several=[("labels", r'gateways: /^(.*)_(.*)$/\1:gateway="\2",more="x"/')], group_mode=2)
    assert numbers(found)["opensips_calls"] == [({"group": "gateways", "gateway": "gw1"}, 1.0),
                                                ({"group": "gateways", "gateway": "gw2", "more": "x"}, 2.0)]
    assert numbers(found)["opensips_load"] == [({"group": "load"}, 14.0)]


def test_two_statistics_of_one_name(site, caplog):
    here = site("4.0", ["prometheus"], prometheus={"statistics": "all"})
    workers = Workers(here.commands)
    for each in workers.statistics:
        each.counter("other", "2xx_transactions").add(1)
    for _ in range(2):
        found = read(here.ask("GET", "/metrics").data.decode())
        assert found["opensips_2xx_transactions"][2] == [({}, 5.0)]
    assert caplog.text.count("other:2xx_transactions is left out") == 1


def test_the_script_adds_its_own(site):
    declared = [["cps", "gauge", "Calls", [["", 3]]], ["cps", "gauge", "", [['a="b"', 4], ["", 5]]]]
    found = metrics(site, (declared, "# TYPE x counter\nx 3\n"), statistics="load:", script_route="r")
    assert found["cps"] == ("gauge", "Calls", [({}, 3.0), ({"a": "b"}, 4.0)])
    assert found["x"][0] == "counter" and found["opensips_load"]


def test_a_script_that_fails_leaves_the_rest(site, caplog):
    assert set(metrics(site, MIError(500, "it failed: x"), statistics="load:", script_route="r")) == {"opensips_load"}
    assert "route r: it failed: x" in caplog.text


def test_workers_that_do_not_answer(site):
    here = site("4.0", ["prometheus"], prometheus={"statistics": "all"})

    def silent(*_):
        raise MIError(500, "process 1 died")
    here.commands.each = silent
    answer = here.ask("GET", "/metrics")
    assert (answer.status, answer.data) == (500, b"the workers do not answer: process 1 died")


def test_only_gets_are_answered(site):
    answer = site("4.0", ["prometheus"]).ask("POST", "/metrics", body=b"")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_label_has_a_name(site):
    with pytest.raises(ConfigError, match="no name is no name of a label"):
        site("4.0", ["prometheus"], prometheus={"group_label": "no name"})


LIVE = """
udp_workers = 2
socket = udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "cfgutils.so"
loadmodule "statistics.so"
modparam("statistics", "variable", "greetings")
loadmodule "httpd.so"
modparam("httpd", "port", @HTTP@)
loadmodule "prometheus.so"
modparam("prometheus", "statistics", "core: greetings")
modparam("prometheus", "script_route", "metrics")
route { update_stat("greetings", 1); sl_send_reply(200, "OK"); }
route[metrics] {
    prometheus_declare_stat("asked", "counter");
    prometheus_push_stat($stat(greetings), "method", $rm);
    return (1, '[{"header": "# TYPE two gauge", "values": [{"name": "two", "value": 2}]}]');
}
"""


def test_two_workers_behind_one_server():
    http = free_ports()[0]
    with Server(LIVE, HTTP=http) as server:
        url = f"http://127.0.0.1:{http}/metrics"
        for _ in range(20):  # each from a port of its own, so that both workers are asked
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
                own.bind((HOST, 0))
                ask(server.port, options(server.port, own.getsockname()[1], 1), own=own)
        found = numbers(read(gevent.get_hub().threadpool.apply(urllib3.request, ("GET", url)).data.decode()))
        greetings = found["opensips_greetings"][0][1]
        assert greetings >= 21
        assert found["asked"] == [({"method": "OPTIONS"}, greetings)] and found["two"] == [({}, 2.0)]
        assert found["opensips_rcv_requests"][0][1] == greetings
