"""Where responses go when the script says so (set_via_handling)."""
import pytest

from opensips_py.sip import address_host, address_key, address_port, scan
from opensips_py.transaction.targets import response_target
from opensips_py.transport.listener import Listener
from opensips_py.transport.via import REPLY_TO_VIA


def request(sent_by):
    text = (f"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP {sent_by};branch=z9hG4bK1;rport\r\nMax-Forwards: 1\r\n"
            "To: <sip:x>\r\nFrom: <sip:y>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
    return scan(text.encode(), Listener("udp", "127.0.0.1", 5060), address_key("192.0.2.7", 40000))


@pytest.mark.parametrize(("sent_by", "wanted", "host", "port"), [
    ("10.0.0.1:5070", True, "10.0.0.1", 5070), ("10.0.0.1", True, "10.0.0.1", 5060),
    ("10.0.0.1:5070", False, "192.0.2.7", 40000), ("pc.example.org:5070", True, "192.0.2.7", 40000)])
def test_sent_by_instead_of_the_source(sent_by, wanted, host, port):
    received = request(sent_by)
    received.context = {REPLY_TO_VIA: True} if wanted else None
    key = response_target(received).address
    assert (address_host(key), address_port(key)) == (host, port)
