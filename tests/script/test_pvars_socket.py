def test_source(world):
    assert (world.value("$si"), world.value("$src_ip"), world.value("$sp")) == ("192.0.2.7", "192.0.2.7", 5062)
    assert world.value("$af") == "INET"


def test_receiving_socket(world):
    assert [world.value(each) for each in ("$Ri", "$Rp", "$pr", "$proto", "$socket_in")] == [
        "127.0.0.1", 5060, "udp", "udp", "udp:127.0.0.1:5060"]
    assert [world.value(f"$socket_in({each})") for each in (
        "ip", "port", "proto", "tag", "af", "anycast", "advertised_ip", "advertised_port")] == [
        "127.0.0.1", 5060, "udp", "lan", "INET", 0, None, None]
    world.listener.advertised_host, world.listener.advertised_port = "sip.example.org", 5099
    assert (world.value("$socket_in(advertised_ip)"), world.value("$socket_in(advertised_port)")) == (
        "sip.example.org", 5099)


def test_sending_socket(world):
    assert (world.value("$fs"), world.value("$socket_out"), world.value("$socket_out(forced)")) == (
        None, "udp:127.0.0.1:5060", None)
    world.assign("$fs", "tcp:127.0.0.1:5060")
    assert world.request.send_socket is world.other
    assert (world.value("$fs"), world.value("$socket_out(proto)"), world.value("$socket_out(forced)")) == (
        "tcp:127.0.0.1:5060", "tcp", "tcp:127.0.0.1:5060")
    world.assign("$socket_out", "lan")
    assert world.request.send_socket is world.listener
    world.assign("$socket_out", "udp:10.9.9.9:5060")
    assert world.request.send_socket is world.listener
    world.assign("$fs", None)
    assert world.request.send_socket is None


def test_the_message_as_it_came(world):
    assert world.value("$ml") == len(world.request.data)
    assert world.value("$mb") == world.request.data.decode()
