"""Two phases of a reload: all prepare, then all commit; one refusal or death cancels."""
import pytest

from opensips_py.server.reload import COMMIT_LIMIT, PREPARE_LIMIT, Reload


class Server:
    """The processes -1, 0 and 1 as a reload sees them."""

    def __init__(self, deaf=None):
        self.told, self.answers, self.ended, self.deaf = [], [], [], deaf
        self.reload = Reload(2, [0, 1, -1], 100.0, self.tell, 5, self.ended.append)
        self.reload.answers.append(self.answers.append)

    def tell(self, index, command, generation, serial):
        assert serial == 5
        self.told.append((command, index, generation))
        return (command, index) != self.deaf

    def take(self):
        told, self.told = sorted(self.told), []
        return told

    def all_done(self, step):
        for index in (0, 1, -1):
            self.reload.done(index, step, 5, "")


@pytest.fixture
def server():
    made = Server()
    assert made.take() == [("prepare", -1, 2), ("prepare", 0, 2), ("prepare", 1, 2)]
    return made


def test_all_prepare_before_any_commits(server):
    server.reload.done(0, "prepare", 5, "")
    server.reload.done(-1, "prepare", 5, "")
    assert server.take() == []
    server.reload.done(1, "prepare", 5, "")
    assert server.take() == [("commit", -1, 2), ("commit", 0, 2), ("commit", 1, 2)]
    assert not server.reload.is_over
    server.all_done("commit")
    assert (server.reload.is_over, server.reload.succeeded) == (True, True)
    assert server.answers == [{"ok": True, "reasons": []}]


def test_one_refusal_cancels(server):
    server.reload.done(0, "prepare", 5, "")
    server.reload.done(1, "prepare", 5, "a table is missing")
    assert server.take() == [("cancel", -1, 2), ("cancel", 0, 2), ("cancel", 1, 2)]
    assert server.answers == [{"ok": False, "reasons": ["process 1: a table is missing"]}]
    server.all_done("prepare")  # too late
    assert (server.take(), server.reload.succeeded) == ([], False)


def test_a_death_before_the_commit_cancels_and_after_it_does_not(server):
    server.reload.lost(0)
    assert server.answers == [{"ok": False, "reasons": ["process 0: it died"]}]
    other = Server()
    other.all_done("prepare")
    other.reload.lost(0)
    other.reload.done(1, "commit", 5, "")
    other.reload.done(-1, "commit", 5, "")
    assert other.answers == [{"ok": True, "reasons": []}]


def test_words_of_another_reload_or_step_do_not_count(server):
    for index, step, serial in ((0, "commit", 5), (0, "prepare", 4), (7, "prepare", 5)):
        server.reload.done(index, step, serial, "no")
    server.all_done("prepare")
    assert server.take() == [("commit", -1, 2), ("commit", 0, 2), ("commit", 1, 2)]


def test_where_nobody_runs_the_next_to_start_has_it():
    answers = []
    reload = Reload(2, [], 100.0, lambda *_: True)
    reload.answers.append(answers.append)
    reload.tick(100.0)
    assert (reload.succeeded, answers) == (True, [{"ok": True, "reasons": []}])


def test_preparing_has_a_limit(server):
    server.reload.done(0, "prepare", 5, "")
    server.reload.tick(100.0 + PREPARE_LIMIT)
    assert not server.reload.is_over
    server.reload.tick(100.1 + PREPARE_LIMIT)
    assert server.answers == [{"ok": False, "reasons": ["2 processes did not prepare in time"]}]


def test_swapping_has_a_limit_and_who_does_not_swap_is_replaced_by_one_that_does(server):
    server.all_done("prepare")
    server.reload.done(0, "commit", 5, "")
    server.reload.tick(200.0)
    server.reload.tick(200.0 + COMMIT_LIMIT)
    assert not server.reload.is_over and server.ended == []
    server.reload.tick(200.1 + COMMIT_LIMIT)
    assert sorted(server.ended) == [-1, 1]
    assert server.reload.succeeded and server.answers == [{"ok": True, "reasons": []}]


def test_who_cannot_be_told_to_prepare_refuses():
    server = Server(deaf=("prepare", 1))
    server.reload.tick(100.0)
    assert server.answers == [{"ok": False, "reasons": ["process 1: it cannot be told anything"]}]
    assert ("cancel", 0, 2) in server.told


def test_who_cannot_be_told_to_swap_is_ended():
    server = Server(deaf=("commit", 1))
    server.all_done("prepare")
    assert server.ended == [1]


def test_what_does_not_work_once_the_others_have_swapped_is_told(server):
    server.all_done("prepare")
    server.reload.done(-1, "commit", 5, "module httpd: the port is taken")
    server.reload.done(0, "commit", 5, "")
    server.reload.done(1, "commit", 5, "")
    assert server.reload.succeeded
    assert server.answers == [{"ok": False, "reasons": [
        "the new configuration is in use, but not all of it works", "process -1: module httpd: the port is taken"]}]
