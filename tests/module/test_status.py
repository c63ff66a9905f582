"""Status reports: changes, who hears of them, whole groups."""
import pytest

from opensips_py.module.status import ALL, StatusReports


class Pair:
    """The reports of two processes, and what they told."""

    def __init__(self):
        self.events, self.now = [], 100.0
        self.other = StatusReports()
        self.one = StatusReports(lambda event: self.events.append(event.values()), self.other.take, lambda: self.now)


@pytest.fixture
def pair():
    return Pair()


def test_a_change_is_told_once_and_shared(pair):
    pair.one.set_status("routing", "pstn", 1, "data available")
    pair.one.set_status("routing", "pstn", 1, "more data")
    pair.one.set_status("routing", "pstn", -3)
    assert pair.events == [
        {"group": "routing", "identifier": "pstn", "status": 1, "details": "data available", "old_status": -100},
        {"group": "routing", "identifier": "pstn", "status": -3, "old_status": 1}]
    assert pair.other.status("routing", "pstn") == -3


def test_zero_counts_as_ready(pair):
    pair.one.set_status("a", "", 0)
    assert pair.other.status("a") == pair.one.status("a", "main") == 1


def test_reports_keep_the_status_and_their_time(pair):
    pair.one.set_status("a", "main", 2, "fine")
    pair.one.report("a", "main", "loading")
    pair.now = 103.9
    pair.one.report("a", "main", "loaded")
    for each in (pair.one, pair.other):
        known = each.identifier("a")
        assert (known.status, known.details) == (2, "fine")
        assert list(known.reports) == [(100, "loading"), (103, "loaded")]
    assert len(pair.events) == 1


def test_the_oldest_reports_go(pair):
    for number in range(300):
        pair.one.report("a", "main", str(number))
    assert [text for _, text in pair.one.identifier("a").reports] == [str(number) for number in range(100, 300)]


def test_a_group_is_ready_when_all_of_it_is(pair):
    pair.one.set_status("a", "x", 5)
    pair.one.set_status("a", "y", 1)
    assert pair.one.status("a", ALL) == 1
    pair.one.set_status("a", "y", -2)
    assert pair.one.status("a", ALL) == -1
    assert (pair.one.status("a", "none"), pair.one.status("b"), pair.one.status("b", ALL)) == (None, None, None)


def test_a_process_that_comes_later_is_told_all_but_the_state_of_this_one(pair):
    pair.one.set_status("core", "main", 1)
    pair.one.set_status("a", "x", 2, "fine")
    pair.one.report("a", "x", "said")
    late = StatusReports()
    for change in pair.one.changes():
        late.take(change)
    assert list(late.groups) == ["a"]
    known = late.identifier("a", "x")
    assert (known.status, known.details, list(known.reports)) == (2, "fine", [(100, "said")])
