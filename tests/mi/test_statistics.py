import pytest

from opensips_py.errors import MIError


@pytest.fixture
def counted(processes):
    for index in (0, 1):
        statistics = processes[index].services.statistics
        statistics.register("sample", "calls", "counter").add(3)
        statistics.register("sample", "held", "function", lambda index=index: index + 5)
        statistics.register("sample", "bindings", "function", lambda: 40, shared=True)
    return processes


def test_functions_are_added_up_and_shared_numbers_are_not(counted):
    assert counted[-1].call("get_statistics", [["sample:"]]) == {
        "sample:calls": 3, "sample:held": 11, "sample:bindings": 40}
    assert counted[-1].call("get_statistics", ["held", "calls"]) == {"sample:held": 11, "sample:calls": 3}


def test_kinds_are_listed(counted):
    assert counted[-1].call("list_statistics") == {
        "sample:calls": "incremental", "sample:held": "non-incremental", "sample:bindings": "non-incremental"}
    assert counted[-1].call("list_statistics", ["calls", "sample:held"]) == {
        "calls": "incremental", "sample:held": "non-incremental"}
    assert counted[-1].call("list_statistics", ["nowhere:"]) == {}


def test_only_counters_go_back_to_zero(counted):
    assert counted[-1].call("reset_statistics", ["all"]) is None
    assert counted[-1].call("get_statistics", ["all"])["sample:calls"] == 0
    assert counted[-1].call("get_statistics", ["all"])["sample:held"] == 11
    counted[0].services.statistics.get("sample:calls").add(2)
    counted[-1].call("statistics:reset_all")
    assert counted[-1].call("get_statistics", ["calls"]) == {"sample:calls": 0}


@pytest.mark.parametrize("command", ["get_statistics", "reset_statistics"])
def test_some_have_to_be_named(counted, command):
    with pytest.raises(MIError, match="missing parameter statistics"):
        counted[-1].call(command, [])


def test_what_one_worker_alone_has_is_reset_there(counted):
    statistics = counted[1].services.statistics
    statistics.register("script", "own", "counter").add(3)
    statistics.register("script", "series", "function", lambda: 9, begin_again=lambda: begun.append(1))
    begun = []
    assert counted[-1].call("reset_statistics", ["own", "calls", "series"]) is None
    assert counted[-1].call("get_statistics", ["own", "calls"]) == {"script:own": 0, "sample:calls": 0}
    assert begun == [1]
    assert counted[-1].call("reset_statistics", ["own", "nothing"]) is None


def test_an_unknown_name(counted):
    with pytest.raises(MIError, match="Statistics Not Found"):
        counted[-1].call("reset_statistics", ["nothing"])
    assert counted[-1].call("get_statistics", ["nothing"]) == {}
    assert counted[-1].call("get_statistics", ["nothing", "calls"]) == {"sample:calls": 3}
