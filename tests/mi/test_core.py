import os

import pytest

from opensips_py.errors import MIError
from opensips_py.mi.tree import text


def test_which_names_the_commands_of_the_dialect(processes, processes_21):
    assert {"core:ps", "statistics:get", "sample:where"} <= set(processes[-1].call("core:which"))
    assert {"ps", "get_statistics", "where"} <= set(processes_21[-1].call("which"))
    assert all(name.startswith("evi:") for group in ("evi", "evi:") for name in processes[-1].call("which", [group]))


def test_which_names_the_parameters_of_a_command(processes, processes_21):
    assert processes[-1].call("which", ["core:log_level"]) == [[], ["level"], ["level", "pid"]]
    assert processes[-1].call("which", ["owned"]) == [["number"]] and processes[-1].call("which", ["ps"]) == [[]]
    shown = processes_21[-1].tree("which", processes_21[-1].call("which", ["event_subscribe"]))
    assert text(shown) == "event socket\nevent socket expire\n"
    with pytest.raises(MIError, match="unknown MI command"):
        processes[-1].call("which", ["nothing:"])


def test_short_and_older_names_are_understood_in_either_dialect(processes, processes_21):
    assert processes[-1].call("get_statistics", [["all"]]) == processes[-1].call("statistics:get", ["all"])
    assert processes_21[-1].call("core:pwd") == {"WD": os.getcwd()}


def test_ps_lists_all_processes(processes):
    assert processes[-1].call("ps")["Processes"][0] == {"ID": 0, "PID": 10, "Type": "attendant"}
    assert len(processes[-1].call("ps")["Processes"]) == 4


def test_uptime_counts_from_the_start_of_the_server(processes):
    assert processes[-1].call("uptime")["Up time"].endswith(" [sec]")
    assert int(processes[-1].call("uptime")["Up time"].split()[0]) > 1_000_000


def test_help_knows_no_other_command(processes):
    with pytest.raises(MIError, match="unknown MI command") as refused:
        processes[-1].call("help", ["nothing"])
    assert refused.value.code == 404


def test_21_passes_over_arguments_where_a_command_has_none(processes, processes_21):
    assert processes_21[-1].call("pwd", ["any"]) == processes_21[-1].call("pwd")
    with pytest.raises(MIError, match="too many"):
        processes[-1].call("pwd", ["any"])


def test_help_on_nothing_says_how_it_is_called(processes, processes_21):
    assert processes[-1].call("help").startswith("Usage: ") and [*processes_21[-1].call("help")] == ["Usage"]


def test_help_says_how_a_command_is_called(processes):
    assert processes[-1].call("help", ["owned"]) == {
        "Help": "Which worker owns *number*.", "Usage": "usage: owned number", "Exported by": "sample"}


def test_version_names_the_server(processes):
    assert "Python" not in processes[-1].call("version")
    assert "Python" in processes[-1].call("version", ["1"])


def test_log_level_is_read_and_set_everywhere_or_in_one_process(processes):
    management = processes[-1]
    assert management.call("log_level", [4]) == {"New global log level": 4}
    assert [row["Log level"] for row in management.call("log_level")["Processes"]] == [4, 4, 4]
    assert management.call("log_level", {"level": 1, "pid": 12}) == {"Log level": 1}
    assert [row["Log level"] for row in management.call("log_level")["Processes"]] == [4, 1, 4]
    with pytest.raises(MIError, match="Bad PID"):
        management.call("log_level", {"level": 1, "pid": 99})


def test_debug_is_the_log_level_in_the_words_of_21(processes):
    management = processes[-1]
    assert management.call("debug", [4]) == {"New global debug": 4}
    assert management.call("debug", ["1", "12"]) == {"New debug": 1}
    shown = text(management.tree("debug", management.call("debug"))).splitlines()
    assert shown[1] == "Process::  PID=12 Debug=1 Type=SIP worker 1"
    assert [line.split()[2] for line in shown] == ["Debug=4", "Debug=1", "Debug=4"]
    with pytest.raises(MIError, match="Bad PID"):
        management.call("debug", ["1", "99"])


def test_xlog_level_is_read_and_set(processes):
    assert processes[-1].call("xlog_level", [3]) == {"New xLog level": 3}
    assert processes[-1].call("xlog_level") == {"xLog Level": 3}


def test_the_supervisor_is_told_to_stop_to_reload_and_to_restart(processes):
    management = processes[-1]
    for command in ("kill", "reload_routes", "rolling_restart"):
        assert management.call(command) is None
    assert management.services.control.asked == ["stop", "reload", "rolling_restart"]


def test_a_refused_reload_says_why(processes):
    processes[-1].services.control.answers["reload"] = {"ok": False, "reasons": ["a.cfg:1:2: no"]}
    with pytest.raises(MIError, match=r"a\.cfg:1:2: no"):
        processes[-1].call("reload_routes")
