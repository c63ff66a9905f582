"""The account in docs/explain.md is what the server prints."""
import pathlib
import re

from opensips_py import explain
from opensips_py.testing import Server, request, response

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHANGING = [(r"branch=[\w-]+", "branch=X"), (r"^ +[\d.]+(µs|ms|s) ", "T "), (r"  (waited )?[\d.]+(µs|ms)$", "  T"),
            (r"[\w./-]*cfg/beginner.cfg", "cfg/beginner.cfg"), (r"expires=\d+", "expires=N")]
CALL = "9f3a@192.0.2.1"


def steady(lines):
    """Lines without what differs from run to run."""
    found = []
    for line in lines:
        for pattern, instead in CHANGING:
            line = re.sub(pattern, instead, line)
        found.append(line.rstrip())
    return found


def in_dialog(method, cseq, route):
    return request(method, "sip:bob@192.0.2.6:5060", sender="sip:alice@127.0.0.1", to="sip:bob@127.0.0.1", to_tag="b",
                   cseq=cseq, call_id=CALL, headers={"Route": route})


def test_the_example():
    with Server(ROOT / "cfg" / "beginner.cfg") as server:
        server.receive(request("REGISTER", "sip:127.0.0.1", sender="sip:bob@127.0.0.1", to="sip:bob@127.0.0.1",
                               contact="sip:bob@192.0.2.6:5060"), "192.0.2.6")
        server.take()
        server.mi("trace_on", user="bob")
        server.receive(request("INVITE", "sip:bob@127.0.0.1", sender="sip:alice@127.0.0.1", call_id=CALL,
                               contact="sip:alice@192.0.2.1"), "192.0.2.1")
        [invite] = [each for each in server.take() if each.data.startswith(b"INVITE")]
        server.receive(response(invite.data, 200, contact="sip:bob@192.0.2.6:5060"), "192.0.2.6")
        route = re.search(r"Record-Route: (.*)\r\n", invite.data.decode())[1]
        for method, cseq in (("ACK", 1), ("BYE", 2)):
            server.receive(in_dialog(method, cseq, route), "192.0.2.1")
        account = server.mi("explain", CALL)
    printed = [explain.heading(account).plain,
               *(each.plain for each in explain.Account(account["lines"]).texts(account["events"]))]
    [example] = re.findall(r"```text\n(.*?)```", (ROOT / "docs" / "explain.md").read_text(), re.S)
    assert steady(printed) == steady(example.splitlines())
