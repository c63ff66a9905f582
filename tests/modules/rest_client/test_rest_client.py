"""rest_client against real HTTP servers on loopback."""
import contextlib
import http.server
import socket
import ssl
import threading

import pytest
import trustme

from opensips_py.errors import ConfigError
from opensips_py.testing import request

HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "rest_client.so"
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path; keeps what it was asked."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Nothing."""

    def do_GET(self):
        self.server.asked.append((self.command, self.path, self.request_version, self.headers, self.data(),
                                  self.client_address[1]))
        if self.path == "/hang":
            self.server.released.wait(20)
        if self.path == "/slow":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"part")
            self.wfile.flush()
            self.server.released.wait(20)
            return
        body = {"/large": b"x" * 5000, "/empty": b""}.get(self.path.partition("?")[0], b"answer \xff")
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "text/x-test")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def data(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))


@contextlib.contextmanager
def serving(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.asked, server.released = [], threading.Event()
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    server.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server():
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def secure(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with serving(context) as made:
        made.url = made.url.replace("127.0.0.1", "localhost")
        yield made


def run(opensips, body, settings="", dialect="4.0", routes=""):
    engine = opensips(text=f"dialect={dialect}\n{HEAD}{settings}\nroute {{ {body} }}\n{routes}")
    engine.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    return engine.variables


def get(path):
    return f'$var(rc) = rest_get("{path}", $var(body), $var(type), $var(status));'


ANSWER = {"rc": 1, "body": "answer \udcff", "type": "text/x-test", "status": 200}


def test_get(opensips, server):
    assert run(opensips, get(f"{server.url}/a?x=1")) == ANSWER
    (asked,) = server.asked
    assert asked[:3] == ("GET", "/a?x=1", "HTTP/1.1") and asked[4] == b""


def test_a_url_may_begin_with_the_host(opensips, server):
    assert run(opensips, get(server.url.removeprefix("http://") + "/a"))["rc"] == 1


def test_a_status_is_no_error(opensips, server):
    found = run(opensips, get(f"{server.url}/missing"))
    assert (found["rc"], found["status"]) == (1, 404)


@pytest.mark.parametrize(("function", "method"), [("rest_post", "POST"), ("rest_put", "PUT")])
def test_bodies(opensips, server, function, method):
    found = run(opensips, f'''$var(user) = "bob";
        $var(rc) = {function}("{server.url}/p", "user=$var(user)", , $var(body), $var(type), $var(status));
        {function}("{server.url}/q", "{{}}", "application/json", $var(other));''')
    assert {key: found[key] for key in ANSWER} == ANSWER and found["other"] == ANSWER["body"]
    first, second = server.asked
    assert (first[0], first[4], first[3]["Content-Type"]) == (method, b"user=bob", "application/x-www-form-urlencoded")
    assert (second[4], second[3]["Content-Type"]) == (b"{}", "application/json")


def test_headers_go_with_the_next_request_alone(opensips, server):
    run(opensips, f'''rest_append_hf("X-One: 1"); rest_append_hf("X-Two: a: b"); rest_get("{server.url}/", $var(b));
        rest_get("{server.url}/", $var(b)); rest_append_hf("none"); $var(rc) = $rc;''')
    first, second = server.asked
    assert (first[3]["X-One"], first[3]["X-Two"], second[3]["X-One"]) == ("1", "a: b", None)


def test_connections_are_used_again(opensips, server):
    run(opensips, get(f"{server.url}/1") + get(f"{server.url}/2"))
    assert len({each[5] for each in server.asked}) == 1


def test_refused(opensips):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert run(opensips, get(f"http://127.0.0.1:{port}/")) == {"rc": -1, "type": "", "status": 0}


def test_no_connection_in_time(opensips):
    with socket.socket() as full:  # a listener that accepts nobody, its queue full
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with contextlib.ExitStack() as waiting:
            for _ in range(3):
                client = waiting.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(full.getsockname())
            found = run(opensips, get(f"http://127.0.0.1:{full.getsockname()[1]}/"),
                        'modparam("rest_client", "connection_timeout", 1)')
    assert (found["rc"], found["status"]) == (-2, 0)


@pytest.mark.parametrize(("path", "status", "body"), [("/hang", 0, None), ("/slow", 200, "part")])
def test_no_answer_in_time(opensips, server, path, status, body):
    found = run(opensips, get(server.url + path), 'modparam("rest_client", "curl_timeout", 1)')
    assert (found["rc"], found["status"], found.get("body")) == (-3, status, body)


def test_an_answer_that_is_too_long(opensips, server):
    found = run(opensips, get(f"{server.url}/large"), 'modparam("rest_client", "max_transfer_size", 4)')
    assert found["rc"] == -10
    assert run(opensips, get(f"{server.url}/large"), 'modparam("rest_client", "max_transfer_size", 0)')["rc"] == 1


@pytest.mark.parametrize("url", ["", "nonsense.invalid", "ftp://127.0.0.1/", "http://[::1", "http://"])
def test_what_is_no_url(opensips, url):
    assert run(opensips, get(url))["rc"] == -10


def test_all_errors_are_minus_one_in_21(opensips, server):
    found = run(opensips, f'''rest_get("{server.url}/a", "$var(body)", "$var(type)", "$var(status)"); $var(rc) = $rc;
        rest_get("nonsense", "$var(x)"); $var(bad) = $rc;
        rest_post("{server.url}/a", "text", , "$var(posted)"); $var(good) = $rc;''', dialect="2.1")
    assert found == {**ANSWER, "bad": -1, "posted": ANSWER["body"], "good": 1}
    assert server.asked[1][4] == b"text"


def test_asynchronously(opensips, server):
    engine = opensips(text=f'''{HEAD}route {{ async(rest_get("{server.url}/a", $avp(body), , $avp(status)), resume); }}
        route[resume] {{ xlog("L_NOTICE", "$rc $avp(status)"); sl_send_reply(200, "OK"); }}''')
    engine.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert "NOTICE 1 200" in engine.log and engine.take()[-1].status == 200


def test_tls_is_verified(opensips, secure, authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trusted = f'modparam("rest_client", "ssl_capath", "{tmp_path}/ca.pem")'
    assert run(opensips, get(secure.url), trusted)["rc"] == 1
    assert run(opensips, get(secure.url))["rc"] == -10  # nobody we know has signed it
    assert run(opensips, get(secure.url), 'modparam("rest_client", "ssl_verifypeer", 0) '
                                          'modparam("rest_client", "ssl_verifyhost", 0)')["rc"] == 1
    other = secure.url.replace("localhost", "127.0.0.1")
    assert run(opensips, get(other), trusted)["rc"] == -10  # signed, but for another host
    assert run(opensips, get(other), trusted + ' modparam("rest_client", "ssl_verifyhost", 0)')["rc"] == 1


def test_authorities_that_are_not_there(opensips):
    with pytest.raises(ConfigError, match="ssl_capath /nowhere"):
        run(opensips, "exit;", 'modparam("rest_client", "ssl_capath", "/nowhere")')


@pytest.mark.parametrize(("version", "wanted"), [(0, "HTTP/1.1"), (1, "HTTP/1.0"), (2, "HTTP/1.1"), (3, "HTTP/1.1")])
def test_versions(opensips, server, version, wanted):
    run(opensips, get(server.url), f'modparam("rest_client", "curl_http_version", {version})')
    assert server.asked[0][2] == wanted


@pytest.mark.parametrize(("enabled", "size", "expects"), [(1, 1025, True), (1, 1024, False), (0, 2000, False)])
def test_large_bodies_may_ask_first(opensips, server, enabled, size, expects):
    found = run(opensips, f'$var(rc) = rest_post("{server.url}/", "{"x" * size}", , $var(body));',
                f'modparam("rest_client", "enable_expect_100", {enabled})')
    assert found["rc"] == 1 and (server.asked[0][3]["Expect"] is not None) == expects
    assert len(server.asked[0][4]) == size


def test_one_at_a_time_may_connect(opensips, server):
    settings = 'modparam("rest_client", "no_concurrent_connects", 1)'
    engine = opensips(text=f"{HEAD}{settings}\nroute {{ {get(server.url)} }}")
    module = engine.engine.generation.registry.modules["rest_client"]
    with module.connecting.to("127.0.0.1") as alone:
        assert alone
        engine.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
        assert engine.variables["rc"] == -4
    engine.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert engine.variables["rc"] == 1


def test_a_worker_that_died_while_connecting_gives_way(opensips, server):
    settings = 'modparam("rest_client", "no_concurrent_connects", 1) modparam("rest_client", "connection_timeout", 3)'
    engine = opensips(text=f"{HEAD}{settings}\nroute {{ {get(server.url)} }}")
    module = engine.engine.generation.registry.modules["rest_client"]
    held = module.connecting.to("127.0.0.1")
    held.__enter__()  # and never leaves
    for seconds, code in ((0, -4), (2, -4), (2, 1)):
        engine.advance(seconds)
        engine.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
        assert engine.variables["rc"] == code


def test_who_has_a_connection_needs_no_turn(opensips, server):
    settings = 'modparam("rest_client", "no_concurrent_connects", 1) modparam("rest_client", "curl_conn_lifetime", 60)'
    engine = opensips(text=f"{HEAD}{settings}\nroute {{ {get(server.url)} }}")
    module = engine.engine.generation.registry.modules["rest_client"]
    engine.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    with module.connecting.to("127.0.0.1"):
        for seconds, code in ((1, 1), (61, -4)):
            engine.advance(seconds)
            if code < 0:  # another worker's turn has not ended
                module.connecting.words.store(module.connecting.slots.hash("127.0.0.1") % 256, 1 << 50)
            engine.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
            assert engine.variables["rc"] == code


def test_escaping(opensips):
    found = run(opensips, '''$var(a) = "call@example.com&safe=f -._~é"; $var(b) = $(var(a){rest.escape});
        $var(c) = $(var(b){rest.unescape}); $var(d) = $(avp(none){rest.escape});''')
    assert found["b"] == "call%40example.com%26safe%3Df%20-._~%C3%A9" and found["c"] == found["a"]
    assert found["d"] is None


def test_transfers_wait_for_their_turn(opensips, server):
    settings = 'modparam("rest_client", "max_async_transfers", 1) modparam("rest_client", "curl_timeout", 1)'
    engine = opensips(text=f"{HEAD}{settings}\nroute {{ {get(server.url)} }}")
    module = engine.engine.generation.registry.modules["rest_client"]
    with module.client.places:  # another transfer is on its way
        engine.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert engine.variables["rc"] == -3 and not server.asked
    engine.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert engine.variables["rc"] == 1
