"""Two phases of a reload: all prepare, then all commit; one refusal or death cancels."""
import pytest

from opensips_py.server.reload import PREPARE_LIMIT, Reload


class Server:
    """The processes -1, 0 and 1 as a reload sees them."""

    def __init__(self):
        self.told, self.answers = [], []
        self.reload = Reload(2, [0, 1, -1], 100.0, lambda index, command, generation:
                             self.told.append((command, index, generation)))
        self.reload.answers.append(self.answers.append)

    def take(self):
        told, self.told = sorted(self.told), []
        return told

    def all_done(self, step):
        for index in (0, 1, -1):
            self.reload.done(index, step, 2, "")


@pytest.fixture
def server():
    made = Server()
    assert made.take() == [("prepare", -1, 2), ("prepare", 0, 2), ("prepare", 1, 2)]
    return made


def test_all_prepare_before_any_commits(server):
    server.reload.done(0, "prepare", 2, "")
    server.reload.done(-1, "prepare", 2, "")
    assert server.take() == []
    server.reload.done(1, "prepare", 2, "")
    assert server.take() == [("commit", -1, 2), ("commit", 0, 2), ("commit", 1, 2)]
    assert not server.reload.is_over
    server.all_done("commit")
    assert (server.reload.is_over, server.reload.succeeded) == (True, True)
    assert server.answers == [{"ok": True, "reasons": []}]


def test_one_refusal_cancels(server):
    server.reload.done(0, "prepare", 2, "")
    server.reload.done(1, "prepare", 2, "a table is missing")
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
    other.reload.done(1, "commit", 2, "")
    other.reload.done(-1, "commit", 2, "")
    assert other.answers == [{"ok": True, "reasons": []}]


def test_words_of_another_reload_or_step_do_not_count(server):
    for index, step, generation in ((0, "commit", 2), (0, "prepare", 1), (7, "prepare", 2)):
        server.reload.done(index, step, generation, "no")
    server.all_done("prepare")
    assert server.take() == [("commit", -1, 2), ("commit", 0, 2), ("commit", 1, 2)]


def test_where_nobody_runs_the_next_to_start_has_it():
    answers = []
    reload = Reload(2, [], 100.0, lambda *_: None)
    reload.answers.append(answers.append)
    reload.tick(100.0)
    assert (reload.succeeded, answers) == (True, [{"ok": True, "reasons": []}])


def test_preparing_has_a_limit(server):
    server.reload.done(0, "prepare", 2, "")
    server.reload.tick(100.0 + PREPARE_LIMIT)
    assert not server.reload.is_over
    server.reload.tick(100.1 + PREPARE_LIMIT)
    assert server.answers == [{"ok": False, "reasons": ["2 processes did not prepare in time"]}]
