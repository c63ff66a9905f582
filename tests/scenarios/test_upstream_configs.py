"""The default scripts of OpenSIPS 2.1 and 4.0, unchanged, under traffic and management.

They are not ours, so they are not here: put them as 21.cfg and 40.cfg into a folder (etc/opensips.cfg of the tags
2.1.5 and 4.0.1 of OpenSIPS) and name it in OPENSIPS_CONFIGS. Only their port gives way, and only if it is taken.
"""
from __future__ import annotations

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from opensips.mi import OpenSIPSMI, OpenSIPSMIException

from opensips_py.mi import client
from tests.live import HOST, SIPP, Server, Sipp, free_ports

FOLDER = os.environ.get("OPENSIPS_CONFIGS", "")
DIALECTS = {"21": "2.1", "40": "4.0"}
USUAL_PORT = 5060
USERS = 1000
HTTP = {  # what a script loads for management over HTTP
    "21": 'loadmodule "httpd.so"\nmodparam("httpd", "port", @HTTP@)\nloadmodule "mi_json.so"\nloadmodule "mi_http.so"',
    "40": 'loadmodule "httpd.so"\nmodparam("httpd", "port", @HTTP@)\nloadmodule "mi_http.so"'}
pytestmark = pytest.mark.skipif(not FOLDER, reason="OPENSIPS_CONFIGS names no folder with 21.cfg and 40.cfg")
sipp = pytest.mark.skipif(SIPP is None, reason="sipp is not installed")


def script(name: str) -> pathlib.Path:
    """A script of the folder."""
    path = pathlib.Path(FOLDER, f"{name}.cfg")
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def free_port() -> int:
    """The port of the scripts, another one if that is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((HOST, USUAL_PORT))
        except OSError:
            return free_ports()[0]
    return USUAL_PORT


def pipe_of(text: str) -> pathlib.Path:
    """The pipe for management that a script names."""
    found = re.search(r'"fifo_name", *"([^"]+)"', text)
    assert found
    return pathlib.Path(found[1])


class Default:
    """A default script as it stands, and the pipe of its server."""

    def __init__(self, name: str) -> None:
        text = script(name).read_text()
        self.pipe = pipe_of(text)
        self.pipe.parent.mkdir(parents=True, exist_ok=True)  # an installation has it
        port = free_port()
        if port != USUAL_PORT:
            text = text.replace(f"{HOST}:{USUAL_PORT}", f"{HOST}:{port}")
        self.server = Server(text, PORT=port)

    def lines(self, command: str, *values: str) -> list[str]:
        """The answer to a command in lines, the format of 2.1: `:command:reply pipe`, values, an empty line."""
        path = pathlib.Path(f"/tmp/opensips_test_{os.getpid()}")
        os.mkfifo(path)
        reply = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            request = "\n".join([f":{command}:{path.name}", *values, "", ""]).encode()
            return client.exchange(str(self.pipe), request, reply, 10).decode().splitlines()
        finally:
            os.close(reply)
            path.unlink()

    def values(self, command: str, *values: str) -> dict[str, str]:
        """The lines `name:: value` of an answer that says OK."""
        status, *rows, end = self.lines(command, *values)
        assert (status, end) == ("200 OK", "")
        return dict(row.split(":: ", 1) for row in rows)


@pytest.fixture(scope="module")
def old() -> Iterator[Default]:
    default = Default("21")
    with default.server as server:
        yield default
        assert "Traceback" not in server.log


@pytest.fixture(scope="module")
def new() -> Iterator[Default]:
    default = Default("40")
    with default.server as server:
        yield default
        assert "Traceback" not in server.log


def call_all(port: int, users: int) -> None:
    """Register *users* over UDP and complete a call to each of them."""
    caller, phone = free_ports(2)
    fields = "SEQUENTIAL\n" + "".join(f"user{number};\n" for number in range(users))
    keys = {"contact_port": str(phone), "contact_transport": "udp"}
    answering = Sipp("answer.xml", phone, calls=users)
    try:
        for scenario, rate in (("register.xml", 500), ("call_user.xml", 250)):
            counts = Sipp(scenario, caller, target=port, calls=users, rate=rate, fields=fields, keys=keys).finish()
            assert (counts["done"], counts["failed"]) == (users, 0)
        assert answering.finish()["failed"] == 0
    finally:
        answering.stop()


@pytest.mark.parametrize("name", DIALECTS)
def test_check_finds_nothing_wrong_and_the_dialect(name: str) -> None:
    pipe_of(script(name).read_text()).parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([sys.executable, "-m", "opensips_py", "check", "-f", str(script(name))],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"the configuration is right (dialect {DIALECTS[name]})" in done.stdout
    assert "error:" not in done.stderr and "warning:" not in done.stderr


@sipp
@pytest.mark.parametrize("name", ["old", "new"])
def test_a_thousand_users_call_each_other(request: pytest.FixtureRequest, name: str) -> None:
    default: Default = request.getfixturevalue(name)
    call_all(default.server.port, USERS)
    counted = client.ask(str(default.pipe), "get_statistics", [[
        "registered_users", "accepted_regs", "2xx_transactions", "5xx_transactions", "err_requests"]])
    assert counted == {"usrloc:registered_users": USERS, "registrar:accepted_regs": USERS,
                       "tm:2xx_transactions": 2 * USERS, "tm:5xx_transactions": 0, "core:err_requests": 0}


@sipp
def test_management_of_21_over_its_pipe(old: Default) -> None:
    call_all(old.server.port, 10)
    everything = old.values("get_statistics", "all")
    assert int(everything["core:rcv_requests"]) > 0 and int(everything["tm:UAS_transactions"]) > 0
    users = int(old.values("get_statistics", "registered_users")["usrloc:registered_users"])
    status, table, *rest = old.lines("ul_dump", "brief")
    assert (status, table) == ("200 OK", f"Domain:: location table=512 records={users}")
    assert rest.count("\tAOR:: user7") == 1 and any("\t\tContact:: sip:user7@" in each for each in rest)
    aor, contact = old.lines("ul_show_contact", "location", "user7")[1:3]
    assert aor == "AOR:: user7" and contact.startswith("\tContact:: sip:user7@")
    assert old.lines("ul_rm", "location", "user7") == ["200 OK", ""]
    assert old.lines("ul_show_contact", "location", "user7")[0] == "404 AOR not found"
    assert all(re.fullmatch(r"Process::  ID=\d+ PID=\d+ Type=.+", each) for each in old.lines("ps")[1:-1])
    assert list(old.values("uptime")) == ["Now", "Up since", "Up time"]
    assert "Server" in old.values("version") and "WD" in old.values("pwd")
    assert {"ps", "which", "get_statistics", "ul_dump", "t_uac_dlg"} <= set(old.lines("which"))
    assert old.values("debug", "3") == {"New global debug": "3"}
    assert old.lines("debug")[1].startswith("Process::  PID=")
    assert old.lines("no_such")[0] == "500 command 'no_such' not available"


@sipp
def test_management_of_40_by_the_client_of_pypi(new: Default) -> None:
    call_all(new.server.port, 10)
    asked = OpenSIPSMI(conn="fifo", fifo_file=str(new.pipe)).execute
    assert asked("get_statistics", ["all"]).keys() == asked("statistics:get", {"statistics": ["all"]}).keys()
    users = asked("statistics:get", ["registered_users"])["usrloc:registered_users"]
    for name in ("ul_dump", "usrloc:dump"):
        table, = asked(name)["Domains"]
        assert table["name"] == "location" and len(table["AORs"]) == users
    aor = {"table_name": "location", "aor": f"user7@{HOST}"}
    assert asked("usrloc:show_contact", aor)["Contacts"][0]["Contact"].startswith("sip:user7@")
    assert asked("ul_rm", aor) == "OK"
    with pytest.raises(OpenSIPSMIException, match="404: AOR not found"):
        asked("usrloc:show_contact", aor)
    with pytest.raises(OpenSIPSMIException, match="400: Domain missing in AOR"):
        asked("usrloc:show_contact", ["location", "user7"])
    for names in (("ps", "core:ps"), ("which", "core:which"), ("version", "core:version"), ("pwd", "core:pwd")):
        assert asked(names[0]) == asked(names[1])
    assert asked("core:ps")["Processes"][0]["Type"] == "attendant"
    assert {"core:ps", "statistics:get", "usrloc:dump", "tm:uac_dlg"} <= set(asked("core:which"))
    assert set(asked("core:uptime")) == {"Now", "Up since", "Up time"}
    assert asked("core:log_level", [3]) == {"New global log level": 3}
    with pytest.raises(OpenSIPSMIException, match="Method not found"):
        asked("no:such")


@pytest.fixture(scope="module", params=DIALECTS)
def site(request: pytest.FixtureRequest) -> Iterator[tuple[str, Server]]:
    """A default script that logs to standard error and is managed over HTTP as well; four users have called."""
    text = script(request.param).read_text().replace(f"{HOST}:{USUAL_PORT}", f"{HOST}:@PORT@")
    text = text.replace(str(pipe_of(text)), "@RUN@/fifo")
    text = re.sub(r"^(log_stderror|stderror_enabled)=no", r"\1=yes", text, flags=re.MULTILINE)
    text = text.replace('loadmodule "proto_udp.so"', f'loadmodule "proto_udp.so"\n{HTTP[request.param]}')
    with Server(text, HTTP=free_ports()[0]) as server:
        call_all(server.port, 4)
        yield request.param, server


@sipp
def test_management_over_http(site: tuple[str, Server]) -> None:
    name, server = site
    root = f"http://{HOST}:{server.values['HTTP']}"
    if name == "40":
        asked = OpenSIPSMI(conn="http", url=f"{root}/mi").execute
        assert asked("get_statistics", ["registered_users"]) == {"usrloc:registered_users": 4}
        assert len(asked("usrloc:dump", ["brief"])["Domains"][0]["AORs"]) == 4
        return

    def get(path: str) -> Any:
        with urllib.request.urlopen(f"{root}/{path}", timeout=10) as answer:
            return answer.read().decode()

    assert json.loads(get("json/get_statistics?params=registered_users")) == {"usrloc:registered_users": "4"}
    table, = json.loads(get("json/ul_dump?params=brief"))["Domain"]
    assert sorted(each["value"] for each in table["children"]["AOR"]) == [f"user{number}" for number in range(4)]
    assert "usrloc:registered_users:: 4" in get("mi/get_statistics?arg=registered_users")


@sipp
def test_the_log_holds_what_the_script_writes_and_no_complaint(site: tuple[str, Server]) -> None:
    log = site[1].log
    assert log.count("new branch at sip:user") == 4 and log.count("incoming reply") == 8
    for method in ("INVITE", "BYE"):
        assert len(re.findall(f"ACC: transaction answered: .*;method={method};.*;code=200;", log)) == 4
    assert "Traceback" not in log and " ERROR:" not in log
