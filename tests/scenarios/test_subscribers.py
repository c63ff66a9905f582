"""cfg/subscribers.cfg on a real server: phones prove who they are, by tables of each kind of database."""
from __future__ import annotations

import contextlib
import pathlib
import socket

import pytest

from opensips_py.db import DatabaseUrl
from opensips_py.sip import Challenge, Password, parse
from opensips_py.testing import request
from tests.db.databases import create, url_of
from tests.live import HOST, ROOT, SIPP, Server, Sipp, ask, free_ports
from tests.modules.users import hashes
from tests.scenarios.flows import mi

USERS = 30
TABLES = ("subscriber", "domain", "dbaliases", "address", "acc", "missed_calls")
PATIENCE = {"mysql": 'modparam("db_mysql", "timeout_interval", 1)', "postgres": 'modparam("db_postgres", "timeout", 1)'}
PASSWORDS = {f"user{number}": f"secret{number}" for number in range(USERS)}


@pytest.fixture(scope="module", params=["sqlite", "postgres", "mysql"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("subscribers")
    url = url_of(request.param, request, folder)
    database = create(url, *TABLES)
    for user, password in PASSWORDS.items():
        database.insert("subscriber", {"username": user, "domain": HOST, **hashes(user, HOST, password)})
    database.insert("domain", {"domain": HOST})
    database.insert("dbaliases", {"alias_username": "sales", "alias_domain": HOST, "username": "user7", "domain": HOST})
    text = pathlib.Path(ROOT, "cfg", "subscribers.cfg").read_text()
    text = text.replace(":5060", ":@PORT@").replace("/tmp/opensips_py_fifo", "@RUN@/fifo")
    text = text.replace('/fifo")\n', '/fifo")\nmodparam("mi_fifo", "reply_dir", "@RUN@/")\n')
    text = text.replace("sqlite:///tmp/opensips_py_subscribers.sqlite", url)
    text = text.replace("db_sqlite.so", f"db_{DatabaseUrl.parse(url).scheme}.so")
    text = text.replace("log_level=3\n", "log_level=3\nudp_workers=2\n")
    patience = PATIENCE.get(request.param, "")
    text = text.replace("\ndb_default_url=", f"\n{patience}\ndb_default_url=")
    with Server(text, folder=folder) as started:
        started.database = database
        yield started
        assert "Traceback" not in started.log, started.log


@pytest.mark.skipif(SIPP is None, reason="sipp is not installed")
def test_users_register_and_call_each_other(server):
    caller, phone = free_ports(2)
    others = [*list(PASSWORDS)[1:], "sales"]
    lines = "".join(f"{user};[authentication username={user} password={PASSWORDS[user]}];{other};\n"
                    for user, other in zip(PASSWORDS, others, strict=True))
    fields, keys = f"SEQUENTIAL\n{lines}", {"contact_port": str(phone)}
    answering = Sipp("answer.xml", phone, calls=USERS)
    try:
        registered = Sipp("register_auth.xml", caller, target=server.port, calls=USERS, rate=100, fields=fields,
                          keys=keys).finish()
        called = Sipp("call_auth.xml", caller, target=server.port, calls=USERS, rate=100, fields=fields).finish()
    finally:
        answering.stop()
    assert (registered["done"], called["done"], registered["failed"], called["failed"]) == (USERS, USERS, 0, 0)


def sent(server, method, user, uri="", to="", password="", **headers):
    """The status that a request of *user* gets, who has a password or none."""
    ask_once, proving = given(method, user, uri, to, headers)
    answer = parse(ask(server.port, ask_once))
    if password and answer.status in (401, 407):
        answer = parse(ask(server.port, proving(answer, password)))
    return answer.status


def given(method, user, uri, to, headers):
    """A request of *user*, and what makes the one that answers a challenge."""
    uri = uri or f"sip:{HOST}"
    how = {"sender": f"sip:{user}@{HOST}", "to": to or f"sip:{user}@{HOST}"}

    def proving(answer, password):
        asked, header = {401: ("WWW-Authenticate", "Authorization"),
                         407: ("Proxy-Authenticate", "Proxy-Authorization")}[answer.status]
        found = Challenge.parse(answer.header(asked)).respond(user, Password(password), method, uri, cnonce="c")
        return request(method, uri, headers={**headers, header: str(found)}, **how)
    return request(method, uri, headers=headers, **how), proving


def test_who_does_not_prove_it_stays_outside(server):
    assert sent(server, "REGISTER", "user0") == 401
    assert sent(server, "REGISTER", "user0", password="wrong") == 401
    assert sent(server, "REGISTER", "mallory", password="x") == 401
    assert sent(server, "REGISTER", "user0", to=f"sip:user1@{HOST}", password="secret0") == 403
    assert sent(server, "REGISTER", "user0", to="sip:user0@elsewhere.example", password="secret0") == 403
    assert sent(server, "REGISTER", "user0", password="secret0", Contact="<sip:a@192.0.2.1>") == 200
    assert sent(server, "MESSAGE", "user0", f"sip:user1@{HOST}", password="wrong") == 407
    assert sent(server, "MESSAGE", "user0", f"sip:nobody@{HOST}", password="secret0") == 404
    assert sent(server, "MESSAGE", "x'OR'a'='a", f"sip:nobody@{HOST}", password="x") in (407, 400)


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_others_reach_ours_and_gateways_reach_all(server):
    outside = {"sender": "sip:x@elsewhere.example"}

    def status(uri):
        return parse(ask(server.port, request("MESSAGE", uri, **outside))).status
    assert status("sip:x@far.example") == 403 and status(f"sip:nobody@{HOST}") == 404
    server.database.insert("address", {"grp": 1, "ip": HOST, "mask": 32, "port": 0, "proto": "any"})
    try:
        mi(server, "permissions:address_reload")
        assert status("sip:x@127.0.0.9:9") not in (403, 407)
    finally:
        server.database.delete("address", {})
        mi(server, "permissions:address_reload")



LOCKS = {"mysql": "LOCK TABLES subscriber WRITE", "postgres": "LOCK TABLE subscriber IN ACCESS EXCLUSIVE MODE"}


def test_a_slow_database_holds_nobody_else_up(server):
    kind = server.database.url.scheme
    if kind not in LOCKS:
        return  # SQLite reads beside whoever writes
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(server.database.pool.lend())
        if kind == "postgres":
            stack.enter_context(connection.atomic())
        session = server.database.driver.session(connection)
        session.query(LOCKS[kind])
        first, proving = given("REGISTER", "user0", "", "", {})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waiting:
            answer = parse(ask(server.port, first, own=waiting))
            waiting.sendto(proving(answer, "secret0"), (HOST, server.port))
            for _ in range(10):
                assert sent(server, "OPTIONS", "user0") == 200
            while (answer := parse(waiting.recv(65535))).status < 200:
                pass
            assert answer.status == 503
        if kind == "mysql":
            session.query("UNLOCK TABLES")
    assert sent(server, "REGISTER", "user0", password="secret0", Contact="<sip:a@192.0.2.1>") == 200


GUESSES = 500


def queries(server):
    """How many operations the database has answered."""
    return int(mi(server, "get_statistics", ["sql_total_queries"])["sql:sql_total_queries"])


def test_hundreds_of_guesses_cost_the_database_next_to_nothing(server):
    user, before = "user9", queries(server)
    first, proving = given("REGISTER", user, "", "", {})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.settimeout(5)
        answer = parse(ask(server.port, first, own=own))
        for number in range(GUESSES):
            own.sendto(proving(answer, f"guess{number}"), (HOST, server.port))
            assert parse(own.recv(65535)).status == 401
    assert queries(server) - before < GUESSES / 5
    assert server.log.count("wrong passwords within a minute") <= 2, "a minute may have ended meanwhile"
    assert sent(server, "REGISTER", user, password=PASSWORDS[user]) == 200
