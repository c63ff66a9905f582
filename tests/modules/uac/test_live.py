"""Answers that other servers accept: Kamailio, and a second server of ours with module auth."""
from __future__ import annotations

import itertools
import pathlib

import pytest

from opensips_py.sip import parse
from opensips_py.sip.digest import ALGORITHMS
from opensips_py.testing import request
from tests.live import HOST, Server, ask
from tests.scenarios.flows import KAMAILIO, second_hop

TEXT = (pathlib.Path(__file__).parent / "kamailio.cfg").read_text()
NUMBERS = itertools.count(1)
PROXY = """workers=1
socket=udp:@HOST@:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "uac_auth.so"
modparam("uac_auth", "credential", "us:gateway:secret")
loadmodule "uac.so"
route {
	if ($rm == "OPTIONS") {
		sl_send_reply(200, "Here");
		exit;
	}
	$du = "sip:@HOST@:$hdr(X-Port)";
	t_on_failure("answer");
	t_relay();
}
failure_route[answer] {
	if (uac_auth()) {
		t_on_failure("answer");
		t_relay();
	}
}
"""
OURS = """workers=1
socket=udp:@HOST@:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "auth.so"
loadmodule "sipmsgops.so"
modparam("auth", "calculate_ha1", 1)
modparam("auth", "username_spec", "$avp(user)")
modparam("auth", "password_spec", "$avp(password)")
route {
	$avp(user) = "us";
	$avp(password) = "secret";
	if (!pv_proxy_authorize("gateway")) {
		proxy_challenge("gateway", $hdr(X-Qop), $rU);
		exit;
	}
	append_to_reply("X-Proved: $au $adu $cs\\r\\n");
	send_reply(200, "OK");
}
"""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    with Server(PROXY, folder=tmp_path_factory.mktemp("proxy")) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    with Server(OURS, folder=tmp_path_factory.mktemp("ours")) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture(scope="module", params=["MD5", "SHA-256"])
def kamailio(request, tmp_path_factory):
    if KAMAILIO is None:
        pytest.skip("kamailio is not installed")
    with second_hop(tmp_path_factory.mktemp("kamailio"), TEXT.replace("@ALGORITHM@", request.param)) as port:
        yield port


def sent_through(proxy, port, user, **headers):
    """The answer to a MESSAGE that *proxy* has sent to *port*."""
    message = request("MESSAGE", f"sip:{user}@{HOST}:{port}", call_id=f"c{next(NUMBERS)}", cseq=7, body="hello",
                      headers={"X-Port": str(port), **headers})
    return parse(ask(proxy.port, message))


@pytest.mark.parametrize("flags", [0, 1], ids=["no qop", "auth"])
def test_kamailio_takes_us_for_whom_we_are(proxy, kamailio, flags):
    """Of Kamailio 5.6, auth-int (2) is left out: where the hash of the body belongs (RFC 7616, 3.4.3), it takes 32 NUL
    bytes."""
    answer = sent_through(proxy, kamailio, flags)
    assert (answer.status, answer.cseq) == (200, 7)
    assert answer.header("X-Proved") == f"us sip:{flags}@{HOST}:{kamailio} 8"


@pytest.mark.parametrize("algorithm", [each.name for each in ALGORITHMS])
@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth-int,auth"])
def test_so_do_we(proxy, ours, algorithm, qop):
    answer = sent_through(proxy, ours.port, algorithm, **{"X-Qop": qop})
    assert (answer.status, answer.cseq) == (200, 7)
    assert answer.header("X-Proved") == f"us sip:{algorithm}@{HOST}:{ours.port} 8"


def test_and_without_a_quality_of_protection(proxy, ours):
    answer = sent_through(proxy, ours.port, "MD5")
    assert (answer.status, answer.header("X-Proved")) == (200, f"us sip:MD5@{HOST}:{ours.port} 8")
