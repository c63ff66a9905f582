"""Streams: the same messages wherever they are cut, and an end to what cannot be followed."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensips_py.errors import MalformedMessage
from opensips_py.sip import Framer

ONE = b"MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nContent-Length : \r\n 5\r\n\r\nab\r\n\r"
TWO = b"SIP/2.0 200 OK\r\nCSeq: 1 A\r\nl:0\r\n\r\n"
THREE = b"OPTIONS sip:a@b SIP/2.0\r\nX: y\r\n\r\n"
STREAM = b"\r\n\r\n" + ONE + TWO + b"\r\n" + THREE + b"\r\n\r\n\r\n\r\n" + ONE


def test_whole_messages_come_out_at_once():
    framer = Framer()
    assert framer.feed(STREAM) == [ONE, TWO, THREE, ONE]
    assert (framer.pending, framer.pings) == (0, 3)


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_one_cut_changes_nothing(cut):
    framer = Framer()
    assert framer.feed(STREAM[:cut]) + framer.feed(STREAM[cut:]) == [ONE, TWO, THREE, ONE]
    assert (framer.pending, framer.pings) == (0, 3)


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_many_cuts_change_nothing(cuts):
    framer, out, at = Framer(), [], 0
    for cut in [*sorted(cuts), len(STREAM)]:
        out += framer.feed(STREAM[at:cut])
        at = cut
    assert (out, framer.pending, framer.pings) == ([ONE, TWO, THREE, ONE], 0, 3)


def test_byte_by_byte():
    framer = Framer()
    assert [m for i in range(len(STREAM)) for m in framer.feed(STREAM[i:i + 1])] == [ONE, TWO, THREE, ONE]


def test_a_pong_is_no_ping():
    framer = Framer()
    framer.feed(b"\r\n")
    assert framer.pings == 0
    framer.feed(TWO + b"\r\n")
    assert framer.pings == 0
    framer.feed(b"\r\n")
    assert framer.pings == 1
    framer.pings = 0
    assert framer.pings == 0


def test_pending_bytes_wait_since_the_first():
    framer = Framer()
    framer.feed(TWO[:9], now=5.0)
    framer.feed(TWO[9:12], now=6.0)
    assert (framer.pending, framer.since) == (12, 5.0)
    framer.feed(TWO[12:] + TWO[:3], now=7.0)
    assert (framer.pending, framer.since) == (3, 7.0)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\n", b"a\n",
                                  b"INVITE sip:alan@jasomi.com\r\n"])
def test_what_is_not_sip_ends_the_stream(data):
    framer = Framer()
    with pytest.raises(MalformedMessage) as caught:
        framer.feed(data)
    assert caught.value.status == 0
    assert framer.fault == "not SIP"


@pytest.mark.parametrize("length", [b"Content-Length: -999\r\n", b"l: x\r\n", b"l: 1\r\nContent-Length: 1\r\n",
                                    b"l: 99999999999999999999\r\n", b"l:\r\n"])
def test_a_length_that_cannot_be_trusted_gives_the_headers_and_ends_the_stream(length):
    bad = b"OPTIONS sip:a@b SIP/2.0\r\n" + length + b"\r\n"
    framer = Framer()
    assert framer.feed(TWO + bad + TWO) == [TWO, bad]
    assert framer.fault
    with pytest.raises(MalformedMessage):
        framer.feed(TWO)


def test_messages_before_a_fault_are_given_first():
    framer = Framer()
    assert framer.feed(TWO + b"rubbish\r\n") == [TWO]
    with pytest.raises(MalformedMessage):
        framer.feed(b"")


def test_headers_have_a_limit():
    framer = Framer(max_headers=100)
    with pytest.raises(MalformedMessage) as caught:
        framer.feed(b"x" * 101)
    assert caught.value.status == 513
    framer = Framer(max_headers=100)
    with pytest.raises(MalformedMessage):
        framer.feed(THREE[:-2] + b"Y: " + b"y" * 100 + b"\r\n\r\n")
    assert Framer(max_headers=100).feed(THREE) == [THREE]


def test_messages_have_a_limit():
    framer = Framer(max_message=100)
    with pytest.raises(MalformedMessage) as caught:
        framer.feed(b"A sip:a@b SIP/2.0\r\nl: 100\r\n\r\n")
    assert caught.value.status == 513


PIECES = st.sampled_from([ONE, TWO, b"\r\n", b"A x SIP/2.0\r\n", b"l: 3\r\n"])


@given(st.lists(st.one_of(st.binary(max_size=20), PIECES)))
def test_any_bytes_either_frame_or_end_the_stream(parts):
    framer, given_bytes, out = Framer(max_message=300, max_headers=200), 0, 0
    try:
        for part in parts:
            given_bytes += len(part)
            out += sum(map(len, framer.feed(part)))
            assert framer.pending <= 300
    except MalformedMessage:
        assert framer.fault
    assert out <= given_bytes
