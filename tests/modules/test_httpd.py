"""The HTTP server and the modules that carry management over it."""
import json
import socket as plain_socket
import ssl

import gevent
import pytest
import trustme
import urllib3
from opensips.mi import OpenSIPSMI, OpenSIPSMIException

from opensips_py.errors import ConfigError
from tests.live import free_ports
from tests.modules.http_site import Site, sites

site = pytest.fixture(sites)


def rpc(method, **values):
    return json.dumps({"jsonrpc": "2.0", "method": method, "id": 1, **values}).encode()


def test_json_rpc_over_http(site):
    here = site("4.0", ["mi_http"])
    answer = here.ask("POST", "/mi", body=rpc("core:arg", params=["x"]))
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"jsonrpc": "2.0", "result": {"given": ["x"], "evil": "<script>"}, "id": 1}
    assert here.ask("POST", "/mi", body=rpc("pwd")).json()["error"] == {"code": 404, "message": "no directory"}
    assert here.ask("GET", "/mi").status == 405


def test_the_client_of_pypi_gets_its_answers(site):
    client = OpenSIPSMI(conn="http", url=f"http://127.0.0.1:{site('4.0', ['mi_http']).port}/mi")
    pool = gevent.get_hub().threadpool
    assert pool.apply(client.execute, ("core:ps",)) == {"given": {}, "evil": "<script>"}
    with pytest.raises(OpenSIPSMIException, match="Method not found"):
        pool.apply(client.execute, ("nothing",))


def test_root_and_pretty_printing_are_parameters(site):
    here = site("4.0", ["mi_http"], mi_http={"root": "my_mi", "pretty_printing": 1})
    assert here.ask("POST", "/my_mi", body=rpc("core:arg")).data.count(b"\n") > 3
    assert here.ask("POST", "/mi", body=rpc("core:arg")).status == 404


def test_trees_of_21_over_http(site):
    here = site("2.1", ["mi_json"])
    assert here.ask("GET", "/json/ps").json() == {
        "Process": [{"attributes": {"ID": "0", "PID": "7"}}]}
    answer = here.ask("GET", "/json/get_statistics?params=net%3A%2Curi%3A")
    assert answer.json() == {"given": [{"value": "net:"}, {"value": "uri:"}], "evil": "<script>"}
    assert here.ask("GET", "/json/pwd").json() == {"error": {"code": 404, "message": "no directory"}}
    assert here.ask("GET", "/json/nothing").status == 500
    assert here.ask("POST", "/json/ps").status == 405


def test_pages_of_40_take_json_arrays(site):
    here = site("4.0", ["mi_html"], mi_html={"root": "web"})
    assert b'href="/web/core%3Aps"' in here.ask("GET", "/web").data
    page = here.ask("GET", '/web/statistics:get?arg=[["all"]]').data.decode()
    assert "&quot;all&quot;" in page
    assert "<script>" not in page
    assert b"400 " in here.ask("GET", "/web/statistics:get?arg=nonsense").data
    assert here.ask("GET", "/web/nothing").status == 404
    assert here.ask("GET", "/web/core").status == here.ask("GET", "/web/core/core:ps").status == 200
    assert here.ask("POST", "/web/core:ps", body=b"arg=").status == 405


def test_pages_of_21_take_words_and_print_lines(site):
    here = site("2.1", ["mi_http"], mi_http={"mi_http_root": "mi", "mi_http_method": 1})
    assert b'method="post"' in here.ask("GET", "/mi/get_statistics").data
    page = here.ask("POST", "/mi/get_statistics", fields={"arg": "core: tm:"}, encode_multipart=False).data
    assert b"200 OK\ngiven:: core:\ngiven:: tm:\n" in page


def test_two_modules_cannot_have_the_same_path():
    here = Site("4.0", ["mi_http", "mi_html"])
    with pytest.raises(ConfigError, match="the path /mi is taken by module mi_http"):
        here.start()
    here.stop()


def test_passwords_are_asked_for(site):
    here = site("4.0", ["mi_http"], httpd={"auth_username": "me", "auth_password": "pw", "auth_realm": "R"})
    answer = here.ask("POST", "/mi", body=rpc("core:arg"))
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="R"')
    headers = urllib3.make_headers(basic_auth="me:pw")
    assert here.ask("POST", "/mi", body=rpc("core:arg"), headers=headers).status == 200
    headers = urllib3.make_headers(basic_auth="me:other")
    assert here.ask("POST", "/mi", body=rpc("core:arg"), headers=headers).status == 401


def test_sizes_are_limited(site):
    here = site("4.0", ["mi_http"], httpd={"buf_size": 200, "receive_buf_size": 400})
    assert here.ask("POST", "/mi", body=b"x" * 1025).status == 413
    assert here.ask("POST", "/mi", body=rpc("core:arg", params=["x" * 300])).status == 500


@pytest.mark.parametrize("parameter", ["post_buf_size", "receive_buf_size"])
def test_bodies_may_be_longer_where_a_parameter_says_so(site, parameter):
    here = site("4.0", ["mi_http"], httpd={parameter: 4096})
    assert here.ask("POST", "/mi", body=rpc("core:arg", params=["x" * 2000])).status == 200
    assert here.ask("POST", "/mi", body=b"x" * 4097).status == 413


def test_address_and_port_are_parameters(site):
    [port] = free_ports()
    here = site("4.0", ["mi_http"], httpd={"ip": "127.0.0.2", "port": port})
    assert here.httpd.shared.server.address == ("127.0.0.2", port)
    with pytest.raises(OSError, match="refused"):
        plain_socket.create_connection(("127.0.0.1", port))
    plain_socket.create_connection(("127.0.0.2", port)).close()


def test_the_paths_are_listed(site):
    here = site("4.0", ["mi_http", "mi_html"], mi_html={"root": "web"})
    command = here.registry.commands["httpd:list_root_path"]
    assert command.call() == [{"http_root": "mi"}, {"http_root": "web"}]


def test_roots_and_methods_of_the_other_modules(site):
    here = site("2.1", ["mi_json"], mi_json={"mi_json_root": "j"})
    assert here.ask("GET", "/j/ps").status == 200
    assert here.ask("GET", "/json/ps").status == 404
    here = site("4.0", ["mi_html"], mi_html={"http_method": 1})
    assert b'method="post"' in here.ask("GET", "/mi/statistics:get").data
    answer = here.ask("POST", "/mi/statistics:get", fields={"arg": '[["all"]]'}, encode_multipart=False)
    assert b"&quot;all&quot;" in answer.data


def test_idle_connections_are_closed(site):
    here = site("4.0", ["mi_http"], httpd={"conn_timeout": 1})
    with plain_socket.create_connection(("127.0.0.1", here.port)) as client:
        client.settimeout(10)
        assert gevent.get_hub().threadpool.apply(client.recv, (100,)) == b""


def test_the_next_generation_takes_the_server_over(site):
    first = site("4.0", ["mi_http"])
    following = Site("4.0", ["mi_http"], mi_http={"root": "other"})
    port = first.port
    following.start(first.registry)
    first.stop()
    assert following.port == port
    assert following.ask("POST", "/other", body=rpc("core:arg")).status == 200
    assert following.ask("POST", "/mi", body=rpc("core:arg")).status == 404
    assert following.httpd.list_root_path() == [{"http_root": "other"}]
    following.stop()
    with pytest.raises(OSError, match="refused"):
        plain_socket.create_connection(("127.0.0.1", port))


def test_tls_with_the_versions_of_gnutls_words(site, tmp_path):
    certificate, key = certificate_files(tmp_path)
    here = site("4.0", ["mi_http"], httpd={"tls_cert_file": certificate, "tls_key_file": key})
    assert here.ask("POST", "/mi", body=rpc("core:arg")).status == 200
    assert here.httpd.context.maximum_version == ssl.TLSVersion.TLSv1_2
    here = site("4.0", ["mi_http"], httpd={"tls_cert_file": certificate, "tls_key_file": key, "tls_ciphers": "AES256"})
    assert here.ask("POST", "/mi", body=rpc("core:arg")).status == 200
    older = [each for each in here.httpd.context.get_ciphers() if each["protocol"] != "TLSv1.3"]
    assert {each["strength_bits"] for each in older} == {256}
    assert here.httpd.context.maximum_version == ssl.TLSVersion.MAXIMUM_SUPPORTED


def certificate_files(path):
    """A certificate and its key; made here so that none is in the repository."""
    issued = trustme.CA().issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(path / "cert.pem")
    issued.private_key_pem.write_to_path(path / "key.pem")
    return str(path / "cert.pem"), str(path / "key.pem")


@pytest.mark.parametrize("parameters, words", [
    ({"tls_cert_file": "/no/such/file"}, "certificate and key go together"),
    ({"tls_cert_file": "/no/such/file", "tls_key_file": "/no/such/key"}, "cannot be used"),
    ({"port": 80}, "from 1024 to 65535")])
def test_wrong_parameters_are_named(parameters, words):
    with pytest.raises(ConfigError, match=words):
        Site("4.0", [], httpd=parameters)


def test_a_port_in_use_is_named(site):
    here = Site("4.0", [])
    here.httpd.port = site("4.0", []).port
    with pytest.raises(ConfigError, match="cannot be bound"):
        here.start()
