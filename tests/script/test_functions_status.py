"""Functions on status reports and bonds."""
import logging

import pytest

from opensips_py.module.status import StatusReports
from opensips_py.transport.bonds import Bond
from tests.script.script import messages, read

SOCKETS = ('loadmodule "proto_udp.so"\nsocket=udp:127.0.0.1:5060\nsocket=tcp:127.0.0.1:5060\n'
           'socket=bond:inside {"udp:127.0.0.1:5060"}\n')


@pytest.fixture
def states(world):
    """A world with two groups of status reports; `$var(status)` is what sr_check_status says."""
    reports = StatusReports()
    reports.set_status("core", "main", 1)
    reports.set_status("core", "other", -7)
    world.services.reports = reports
    world.registry.status_groups.add("mine")

    def status(arguments):
        world.execute(f"$var(name) = \"core\"; $var(none) = NULL; $var(status) = sr_check_status({arguments});")
        return world.run.variables["status"]
    return status


@pytest.mark.parametrize(("arguments", "status"), [
    ('"core"', 1), ('"core", "main"', 1), ('"core", "other"', -7), ('"core", "all"', -1), ("$var(name)", 1),
    ('"core", $var(none)', 1), ('"core", "missing"', -2147483648), ('"mine"', -1), ('$rm', -1)])
def test_the_status_is_the_code(states, arguments, status):
    assert states(arguments) == status


def test_a_part_that_is_ready_counts_as_true(world, states):
    world.execute('if (sr_check_status("core")) $var(a) = 1; if (!sr_check_status("core", "other")) $var(b) = 1;')
    assert (world.run.variables["a"], world.run.variables["b"]) == (1, 1)


@pytest.fixture
def bonded(world):
    """A world with the bond `inside` of its first socket."""
    world.core.bond_members = {"inside": ["udp:127.0.0.1:5060"]}
    world.core.bonds = {"inside": Bond("inside", [world.listener])}
    return world


@pytest.mark.parametrize(("socket", "belongs"), [
    ("udp:127.0.0.1:5060", True), ("127.0.0.1:5060", True), ("udp:127.0.0.1", True), ("127.0.0.1", True),
    ("lan", True), ("tcp:127.0.0.1:5060", False), ("udp:192.0.2.9:5060", False), ("rubbish:::", False)])
def test_sockets_belong_to_bonds(bonded, socket, belongs):
    assert bonded.call("socket_belongs_to_bond", socket, "inside") is belongs


def test_a_bond_that_a_variable_names_may_be_missing(bonded, caplog):
    with caplog.at_level(logging.ERROR):
        bonded.execute('$var(b) = "none"; socket_belongs_to_bond("udp:127.0.0.1:5060", $var(b)); $var(rc) = $rc;')
    assert bonded.run.variables["rc"] == -1
    assert "there is no bond none" in caplog.text


def test_requests_leave_by_a_bond_as_by_a_socket(bonded):
    bonded.execute('$socket_out = "bond:inside";')
    assert bonded.request.send_socket is bonded.core.bonds["inside"]
    assert [bonded.value(each) for each in ("$socket_out", "$socket_out(forced)", "$socket_out(ip)",
                                            "$socket_out(proto)", "$socket_out(port)", "$socket_out(af)")] == \
        ["bond:inside", "bond:inside", None, "bond", None, None]
    bonded.execute('$socket_out = "bond:none";')
    assert bonded.value("$socket_out") == "bond:inside"


@pytest.mark.parametrize(("call", "error"), [
    ('socket_belongs_to_bond("udp:127.0.0.1:5060", "insid")',
     "socket_belongs_to_bond, argument 'bond': there is no bond insid, only inside"),
    ('sr_check_status("drouting")',
     "sr_check_status, argument 'group': no loaded module has status reports in a group drouting")])
def test_names_that_are_not_there_are_refused(call, error):
    assert messages(read(f"{SOCKETS}route {{ {call}; }}").diagnostics) == [error]


@pytest.mark.parametrize("call", ['socket_belongs_to_bond("udp:127.0.0.1:5060", "inside")', 'sr_check_status("core")'])
def test_names_that_are_there_are_not(call):
    assert messages(read(f"{SOCKETS}route {{ {call}; }}").diagnostics) == []
