"""Management of status reports."""
from types import SimpleNamespace

import pytest

from opensips_py.errors import MIError
from opensips_py.mi.arguments import bind
from opensips_py.mi.status import StatusCommands
from opensips_py.module.status import StatusReports
from opensips_py.script.core import registry_with_core


@pytest.fixture
def ask(monkeypatch):
    """Calls a command; there are two groups, of which one is not ready."""
    monkeypatch.setenv("TZ", "UTC")
    reports = StatusReports(clock=lambda: 86400.0)
    reports.set_status("core", "main", 1, "running")
    reports.report("core", "main", "ready now")
    reports.set_status("routing", "pstn", 1)
    reports.set_status("routing", "voip", -5, "loading")
    registry = registry_with_core("4.0")
    registry.add_class(StatusCommands).services = SimpleNamespace(reports=reports)

    def call(name, *arguments):
        command = registry.commands[name]
        return command.call(**bind(command.declaration, list(arguments)))
    return call


def test_one_status(ask):
    assert ask("status_report:get", "core") == {"Readiness": True, "Status": 1, "Details": "running"}
    assert ask("sr_get_status", "routing", "pstn") == {"Readiness": True, "Status": 1}
    assert ask("sr_get_status", "routing", "all") == {"Readiness": False, "Status": -1, "Details": "aggregated"}


def test_all_statuses(ask):
    routing = [{"Name": "pstn", "Readiness": True, "Status": 1},
               {"Name": "voip", "Readiness": False, "Status": -5, "Details": "loading"}]
    assert ask("status_report:status", "routing") == routing
    assert ask("sr_list_status") == [
        {"Name": "core", "Identifiers": [{"Name": "main", "Readiness": True, "Status": 1, "Details": "running"}]},
        {"Name": "routing", "Identifiers": routing}]


def test_reports(ask):
    said = ask("status_report:reports", "core", "main")
    assert [(each["Timestamp"], each["Log"]) for each in said] == [(86400, "ready now")]
    assert said[0]["Date"].endswith(" 1970")
    assert ask("sr_list_reports", "core") == [{"Name": "main", "Reports": said}]
    assert ask("sr_list_reports") == [
        {"Name": "core", "Identifiers": [{"Name": "main", "Reports": said}]},
        {"Name": "routing", "Identifiers": [{"Name": "pstn", "Reports": []}, {"Name": "voip", "Reports": []}]}]


def test_identifiers(ask):
    assert ask("status_report:identifiers", "routing") == {"Group": "routing", "Identifiers": ["pstn", "voip"]}
    assert ask("sr_list_identifiers") == [{"Group": "core", "Identifiers": ["main"]},
                                          {"Group": "routing", "Identifiers": ["pstn", "voip"]}]


@pytest.mark.parametrize("name", ["sr_get_status", "sr_list_status", "sr_list_reports", "sr_list_identifiers"])
def test_a_group_that_is_not_there(ask, name):
    with pytest.raises(MIError, match="Group not found"):
        ask(name, "none")


@pytest.mark.parametrize("name", ["sr_get_status", "sr_list_reports"])
def test_an_identifier_that_is_not_there(ask, name):
    with pytest.raises(MIError, match="Identity not found"):
        ask(name, "core", "none")
