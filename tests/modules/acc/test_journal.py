"""The journal: what is in it is written once, whoever dies in between."""
from __future__ import annotations

import os

import pytest

from opensips_py.modules.acc import journal as journals
from opensips_py.modules.acc.journal import Accounted, Full, Journal, process
from opensips_py.modules.acc.rows import Moment
from opensips_py.state.environment import Environment
from tests.modules.acc.ledger import Faulty, Ledger
from tests.modules.books import START, Books

ROW = (("callid", "x"), ("n", 7), ("none", None), ("time", Moment(START)))


@pytest.fixture
def environment(tmp_path):
    """LMDB, in a folder of its own."""
    made = Environment(tmp_path / "accounting.mdb", smallest=1 << 20)
    yield made
    made.close()


def texts(entries):
    return [dict(each.row)["callid"] for each in entries]


def places(*rows):
    return [("acc", each) for each in rows]


def row(text):
    return (("callid", text),)


def test_rows_come_out_as_they_went_in(environment):
    journal = Journal(environment)
    journal.add(places(ROW))
    entry, = journal.take(9)
    assert (entry.table, entry.row, entry.sent) == ("acc", ROW, False)
    assert isinstance(dict(entry.row)["time"], Moment) and len(journal) == 1
    assert [each.sent for each in journal.take(9)] == [True]
    journal.forget([entry.key])
    assert journal.take(9) == [] and len(journal) == 0


def test_the_oldest_come_first(environment):
    journal = Journal(environment)
    for number in range(5):
        journal.add(places(row(f"{number}a"), row(f"{number}b")))
    assert texts(journal.take(3)) == ["0a", "0b", "1a"]
    journal.forget(each.key for each in journal.take(4))
    assert texts(journal.take(99)) == ["2a", "2b", "3a", "3b", "4a", "4b"]


def test_there_is_an_end_to_it(environment):
    journal = Journal(environment, limit=3)
    journal.add(places(row("1"), row("2")))
    with pytest.raises(Full):
        journal.add(places(row("3"), row("4")))
    journal.add(places(row("3")))
    assert len(journal) == 3


def test_processes_go_on_with_what_others_have_left(environment):
    alive = {1: 1 << 32 | 5, 2: 2 << 32 | 5}
    one, two, three = (Journal(environment, alive=lambda pid: alive.get(pid, 0)) for _ in range(3))
    one.me, two.me, three.me = alive[1], alive[2], 3 << 32 | 5
    one.add(places(row("1a"), row("1b")))
    one.take(1)
    two.add(places(row("2a")))
    assert three.adopt() == 0 and three.take(9) == []
    del alive[1]
    assert three.adopt() == 2 and three.adopt() == 0
    assert [(text, each.sent) for text, each in zip(["1a", "1b"], three.take(9), strict=True)] == [
        ("1a", True), ("1b", False)]
    assert texts(two.take(9)) == ["2a"] and len(one) == 3
    alive[2] = 2 << 32 | 6  # another process has its number now
    assert three.adopt() == 1


def test_many_rows_are_taken_over_bit_by_bit(environment, monkeypatch):
    monkeypatch.setattr(journals, "AT_ONCE", 4)
    gone = Journal(environment)
    gone.me = 1
    gone.add(places(*(row(f"{number}") for number in range(10))))
    mine = Journal(environment, alive=lambda pid: 0)
    assert [mine.adopt() for _ in range(4)] == [4, 4, 2, 0]
    assert texts(mine.take(99)) == [f"{number}" for number in range(10)]


def test_rows_held_back(environment):
    journal = Journal(environment)
    keys = journal.add(places(row("as it was")), b"call", hold=True)
    assert journal.take(9) == [] and len(journal) == 0
    journal.release(keys, places(row("as it is"), row("and more")))
    assert texts(journal.take(9)) == ["as it is", "and more"]
    assert journal.adopt() == 0


def test_a_call_is_accounted_once(environment):
    journal = Journal(environment)
    journal.add(places(row("1")), b"call")
    for rows in (places(row("2")), ()):
        with pytest.raises(Accounted):
            journal.add(rows, b"call")
    journal.add(places(row("3")), b"another")
    assert texts(journal.take(9)) == ["1", "3"]
    journal.forget_calls([b"call"])
    journal.add(places(row("4")), b"call")
    assert texts(journal.take(9)) == ["1", "3", "4"]


def test_what_a_process_held_back_is_written_as_it_was(environment):
    alive = {1: 1 << 32 | 5}
    one, two = (Journal(environment, alive=lambda pid: alive.get(pid, 0)) for _ in range(2))
    one.me, two.me = alive[1], 2 << 32 | 5
    one.add(places(row("held")), b"call", hold=True)
    two.add(places(row("own")), b"other")
    assert two.adopt() == 0 and two.old_calls() == []
    alive.clear()
    assert two.adopt() == 1 and texts(two.take(9)) == ["own", "held"] and two.old_calls() == [b"call"]


def test_processes_are_told_apart():
    assert process(os.getpid()) >> 32 == os.getpid() and process(0) == 0
    assert process(os.getppid()) != process(os.getpid())
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert process(child) == 0  # a zombie
    os.waitpid(child, 0)


# Writing

@pytest.fixture
def ledger(tmp_path):
    """Makes a proxy that accounts in a database which does as it is told."""
    made = []

    def make(*plan, body='do_accounting("db"); t_relay();'):
        made.append(Ledger(tmp_path, body))
        made[-1].acc.writer.database = Faulty(made[-1].acc.writer.database, *plan)
        return made[-1]
    yield make
    for each in made:
        each.close()


def ask(books, *numbers):
    """Requests that are accounted at once, each with a comment of its own."""
    for number in numbers:
        books.acc.writer.add(places((("callid", str(number)), ("method", "M"), ("time", Moment(START)))))


def written(books):
    return [int(number) for number, in books.table("callid")]


@pytest.mark.parametrize("plan", [("gone",), ("gone", "gone", "gone"), ("late",), ("unsaid",), ("late", "unsaid"),
                                  ("unsaid", "gone", "late"), ("gone", "unsaid")])
def test_each_row_is_written_once(ledger, plan):
    books = ledger(*plan)
    ask(books, *range(5))
    for _ in range(10):
        books.pass_time(6)
        ask(books, 100 + _)
    assert sorted(written(books)) == [*range(5), *range(100, 110)]
    assert books.acc.waiting_records() == 0


def test_rows_that_are_equal_are_as_many_as_there_were(ledger):
    books = ledger("gone", "unsaid")
    ask(books, 1, 1, 1, 2)
    books.pass_time(1)
    books.pass_time(6)
    assert sorted(written(books)) == [1, 1, 1, 2]


def test_while_the_database_is_away_nobody_asks_for_each_record(ledger):
    books = ledger("gone")
    ask(books, *range(50))
    assert books.acc.writer.database.writes == 1 and books.counted("acc") == {"waiting_records": 50}
    books.pass_time(1)
    assert written(books) == list(range(50)) and books.acc.writer.database.writes == 2


def test_what_is_refused_is_told_and_does_not_keep_the_others(ledger, caplog):
    books = ledger("gone", "refuses", "", "refuses")
    ask(books, 1, 2, 3)
    books.pass_time(1)
    assert written(books) == [1, 3] and books.counted("acc") == {"refused_records": 1}
    assert "refuses a record (no): acc: callid=2;method=M" in caplog.text and books.acc.waiting_records() == 0


def test_a_full_journal_is_told_and_counted(ledger, caplog):
    books = ledger("gone")
    books.acc.writer.journal.limit = 2
    ask(books, 1, 2, 3)
    assert books.counted("acc")["lost_records"] == 1 and "no room (2 rows wait): acc: callid=3" in caplog.text
    books.pass_time(1)
    assert written(books) == [1, 2]


def test_a_full_disk_costs_records_and_no_calls(ledger, caplog, monkeypatch):
    books = ledger()

    def full(operation):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(books.acc.writer.journal.environment, "submit", full)
    books.call(200)
    assert [each.status for each in books.take()] == [200] and books.counted("acc")["lost_records"] == 1
    assert "No space left on device): acc: method=INVITE;from_tag=a1" in caplog.text


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_a_process_that_died_has_left_nothing_undone_and_nothing_is_done_twice(ledger, sent, there):
    books = ledger()
    before = Journal(books.acc.writer.journal.environment)
    before.me = 1
    before.add(places((("callid", "7"), ("method", "M"), ("time", Moment(START)))))
    if sent:
        before.take(1)
        if there:
            books.rows.insert("acc", {"callid": "7", "method": "M", "time": "2023-11-14 22:13:20"})
            books.rows.update("acc", {"time": moment_of(START)}, {"callid": "7"})
    books.acc.writer.adopt()
    assert written(books) == [7] and books.acc.waiting_records() == 0


def moment_of(seconds):
    from opensips_py.db import timestamp
    return timestamp(seconds)


def test_a_new_generation_goes_on_with_the_journal(ledger):
    books = ledger("gone")
    ask(books, 1)
    books.acc.begin_database()
    assert written(books) == []  # it waits for its time
    books.pass_time(1)
    assert written(books) == [1]


def test_what_is_left_later_is_found_too(ledger):
    books = ledger()
    before = Journal(books.acc.writer.journal.environment)
    before.me = 1
    before.add(places((("callid", "7"), ("method", "M"), ("time", Moment(START)))))
    books.pass_time(16)
    assert written(books) == [7]


@pytest.mark.parametrize("there", [True, False])
def test_files_are_looked_at_too(tmp_path, there):
    class Flat(Books):
        loads = ("db_flatstore", "tm", "rr", "acc")
    line = f"7|M|{START}\n"
    (tmp_path / "acc_7.log").write_text(f"6|M|{START}\n" + line * there)
    Flat.environment = Environment(tmp_path / "state.mdb", smallest=1 << 20)
    environment = Environment(tmp_path / "accounting.mdb", smallest=1 << 20)
    before = Journal(environment)
    before.me = 1
    before.add(places((("callid", "7"), ("method", "M"), ("time", Moment(START)))))
    before.take(1)
    environment.close()
    books = Flat("exit;", f'modparam("acc", "db_url", "flatstore:{tmp_path}")')
    assert books.acc.waiting_records() == 0
    assert "".join(each.read_text() for each in tmp_path.glob("acc_*.log")).count(line) == 1
    books.acc.writer.journal.environment.close()
