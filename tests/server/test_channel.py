"""Commands between supervisor and process: packets that keep their bounds."""
import pytest

from opensips_py.server import channel


@pytest.fixture
def ends():
    ours, theirs = channel.pair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_a_command_arrives_with_its_values_each_in_a_packet_of_its_own(ends):
    ours, theirs = ends
    ours.send(channel.encode("prepare", generation=2, removed=[1]))
    ours.send(channel.encode("go"))
    assert channel.decode(theirs.recv(channel.PACKET)) == {"command": "prepare", "generation": 2, "removed": [1]}
    assert channel.decode(theirs.recv(channel.PACKET)) == {"command": "go"}


def test_nobody_waits(ends):
    with pytest.raises(BlockingIOError):
        ends[0].recv(channel.PACKET)


def test_the_end_of_one_process_shows(ends):
    ours, theirs = ends
    ours.close()
    assert theirs.recv(channel.PACKET) == b""


def test_text_of_any_language(ends):
    ours, theirs = ends
    ours.send(channel.encode("failed", reason="größer \udcff"))
    assert channel.decode(theirs.recv(channel.PACKET))["reason"] == "größer \udcff"
