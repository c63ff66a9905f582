"""Management by XML-RPC, asked by the client of the standard library and by curl."""
import shutil
import subprocess
import xmlrpc.client

import gevent
import pytest

from tests.live import Server, free_ports
from tests.modules.http_site import sites

site = pytest.fixture(sites)
HEAD = "<?xml version='1.0'?>"
LAUGHS = ('<!DOCTYPE m [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
          '<methodCall><methodName>&b;</methodName></methodCall>')


def call(here, method, *arguments, root="RPC2"):
    """What the client of the standard library gets."""
    client = xmlrpc.client.ServerProxy(f"http://127.0.0.1:{here.port}/{root}", use_builtin_types=True)
    return gevent.get_hub().threadpool.apply(getattr(client, method), arguments)


def post(here, body):
    """Code and words of the fault that *body* is answered with."""
    answer = here.ask("POST", "/RPC2", body=body)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    with pytest.raises(xmlrpc.client.Fault) as fault:
        xmlrpc.client.loads(answer.data)
    return fault.value.faultCode, fault.value.faultString


def test_arguments_by_place_and_by_name(site):
    here = site("4.0", ["mi_xmlrpc"])
    assert call(here, "core:arg", "x", 5, True, 1.5) == {"given": ["x", "5", "1", "1.5"], "evil": "<script>"}
    given = call(here, "core:arg", {"statistics": ["net:", "core:"], "n": 7})["given"]
    assert given == {"statistics": ["net:", "core:"], "n": "7"}


def test_answers_are_structs_and_arrays_of_strings(site):
    here = site("4.0", ["mi_xmlrpc"])
    here.commands.answers = {"core:ps": {"Processes": [{"ID": 0, "big": 1 << 40, "none": None}]}, "core:kill": None,
                             "core:which": ["a", "b"], "core:pwd": "\x00 \udcff ä & ]]> \r\n"}
    assert call(here, "core:ps") == {"Processes": [{"ID": "0", "big": str(1 << 40), "none": ""}]}
    assert call(here, "core:kill") == "OK"
    assert call(here, "core:which") == ["a", "b"]
    assert call(here, "core:pwd") == "? \ufffd ä & ]]> \r\n"


def test_types_that_the_client_does_not_send(site):
    here = site("4.0", ["mi_xmlrpc"])
    values = "".join(f"<param><value>{each}</value></param>" for each in (
        " bare ", "<i4>4</i4>", "<base64>aMOk\n</base64>", "<nil/>", "<string/>", "", "<boolean>0</boolean>",
        "<dateTime.iso8601>20261127T09:00:00</dateTime.iso8601>"))
    answer = here.ask("POST", "/RPC2", body=f"<methodCall><methodName> core:arg </methodName><params>{values}</params>"
                                            "</methodCall>".encode())
    assert xmlrpc.client.loads(answer.data)[0][0]["given"] == [
        " bare ", "4", "hä", "", "", "", "0", "20261127T09:00:00"]


def test_errors_are_faults(site):
    here = site("4.0", ["mi_xmlrpc"])
    with pytest.raises(xmlrpc.client.Fault, match="Method not found") as fault:
        call(here, "nothing")
    assert fault.value.faultCode == -32601
    with pytest.raises(xmlrpc.client.Fault, match="no directory") as fault:
        call(here, "pwd")
    assert fault.value.faultCode == 404


@pytest.mark.parametrize("body, code, words", [
    ("", -32700, "no element found"), ("nonsense", -32700, "not well-formed"), ("<methodCall>", -32700, "no element"),
    (LAUGHS, -32700, "document type"), ("<?xml version='1.0' encoding='klingon'?><a/>", -32700, "encoding"),
    ("<other/>", -32600, "methodCall"), ("<methodCall/>", -32600, "methodName"),
    ("<methodCall><methodName>core:ps</methodName><params><param/></params></methodCall>", -32600, "a param holds one"),
    *((f"<methodCall><methodName>core:ps</methodName><params><param>{value}</param></params></methodCall>",
       -32600, words)
      for value, words in [
          ("<string/>", "where a value is needed"), ("<value><int>x</int></value>", "<int>: invalid"),
          ("<value><boolean>2</boolean></value>", "it is 0 or 1"), ("<value><base64>!</base64></value>", "<base64>: "),
          ("<value><what/></value>", "<what> is no type"), ("<value><int>1<b/></int></value>", "<int> is no type"),
          ("<value><int>1</int><int>2</int></value>", "a value holds one element, not 2"),
          ("<value><array/></value>", "an array holds one"), ("<value><struct><member/></struct></value>", "a member"),
          ("<value><array><data>" * 17 + "</data></array></value>" * 17, "more than 16 arrays and structs")])])
def test_what_is_no_call_is_a_fault(site, body, code, words):
    here = site("4.0", ["mi_xmlrpc"], httpd={"post_buf_size": 4096})
    found, reason = post(here, body.encode())
    assert found == code
    assert words in reason


def test_what_is_too_long_is_a_fault(site):
    here = site("4.0", ["mi_xmlrpc"], httpd={"buf_size": 300})
    assert post(here, b"<methodCall>" + b"x" * 100_000) == (-32300, "The request is longer than receive_buf_size.")
    with pytest.raises(xmlrpc.client.Fault, match="answer is longer than buf_size"):
        call(here, "core:arg", "x" * 300)


def test_bodies_in_chunks(site):
    here = site("4.0", ["mi_xmlrpc"])
    body = xmlrpc.client.dumps(("x",), "core:arg").encode()
    answer = here.ask("POST", "/RPC2", body=iter([body[:20], body[20:]]), headers={"Transfer-Encoding": "chunked"})
    assert xmlrpc.client.loads(answer.data)[0][0]["given"] == ["x"]
    answer = here.ask("POST", "/RPC2", body=iter([b"x" * 1000] * 50), headers={"Transfer-Encoding": "chunked"})
    assert b"longer than receive_buf_size" in answer.data


def test_only_posts_are_calls(site):
    answer = site("4.0", ["mi_xmlrpc"]).ask("GET", "/RPC2")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_the_root_is_a_parameter(site):
    here = site("4.0", ["mi_xmlrpc"], mi_xmlrpc={"http_root": "xml"})
    assert call(here, "core:arg", root="xml")["given"] == []
    assert here.ask("POST", "/RPC2", body=b"").status == 404


def test_answers_of_21_are_the_lines_of_a_fifo(site):
    here = site("2.1", ["mi_xmlrpc_ng"])
    assert call(here, "get_statistics", "net:", "uri:") == "\ngiven:: net:\ngiven:: uri:\nevil:: <script>\n"
    assert call(here, "ps") == "\nProcess::  ID=0 PID=7\n"
    here.commands.answers = {"kill": None}
    assert call(here, "kill") == "\n"


def test_errors_of_21_have_three_digits(site):
    here = site("2.1", ["mi_xmlrpc_ng"])
    for command, code, words in (("nothing", 500, "command 'nothing' not available"), ("pwd", 404, "no directory")):
        with pytest.raises(xmlrpc.client.Fault, match=words) as fault:
            call(here, command)
        assert fault.value.faultCode == code


def test_answers_of_21_as_data(site):
    here = site("2.1", ["mi_xmlrpc_ng"], mi_xmlrpc_ng={"format_version": 2, "mi_xmlrpc_ng_root": "xml"})
    assert call(here, "ps", root="xml") == [
        {"name": "Process", "value": "", "attributes": {"ID": "0", "PID": "7"}, "children": []}]


def test_the_module_of_21_in_a_later_script(site):
    here = site("4.0", ["mi_xmlrpc_ng"], mi_xmlrpc_ng={"http_root": "xml"})
    assert call(here, "core:arg", "x", root="xml")["given"] == ["x"]
    here = site("4.0", ["mi_xmlrpc_ng"], mi_xmlrpc_ng={"format_version": 1})
    assert call(here, "core:pwd", "x") == "\ngiven:: x\nevil:: <script>\n"


LIVE = """
udp_workers = 2
socket = udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "httpd.so"
modparam("httpd", "port", @HTTP@)
loadmodule "mi_xmlrpc.so"
route { sl_send_reply(200, "OK"); }
"""


def test_a_server_asked_with_curl():
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    port, = free_ports()
    body = xmlrpc.client.dumps(({"statistics": ["core:"]},), "statistics:get")
    with Server(LIVE, HTTP=port) as server:
        answer = subprocess.run([curl, "-s", "-H", "Content-Type: text/xml", "-d", body,
                                 f"http://127.0.0.1:{port}/RPC2"], capture_output=True, check=True, timeout=10)
        client = xmlrpc.client.ServerProxy(f"http://127.0.0.1:{port}/RPC2")
        assert int(xmlrpc.client.loads(answer.stdout)[0][0]["core:rcv_requests"]) >= 1
        assert [each["Type"] for each in getattr(client, "core:ps")()["Processes"]]
        assert getattr(client, "statistics:get")({"statistics": ["x"]}) == {}  # as 4.0.1: there is none, and no fault
        for method, value, words in (("nothing", 1, "Method not found"), ("core:help", {"mi_cmd": "x"}, "unknown MI"),
                                     ("core:log_level", {"level": "9" * 30}, "parameter level")):
            with pytest.raises(xmlrpc.client.Fault, match=words):
                getattr(client, method)(value)
        assert "Traceback" not in server.log
