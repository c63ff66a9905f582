"""Sockets and brokers as scripts write them."""
import pytest

from opensips_py.errors import ConfigError
from opensips_py.modules.event_rabbitmq.addresses import Endpoint, Server, Socket, server, socket


@pytest.mark.parametrize("address, endpoint, routing_key", [
    ("127.0.0.1/pike", Endpoint("127.0.0.1"), "pike"),
    ("guest:guest@127.0.0.1:5672/pike", Endpoint("127.0.0.1"), "pike"),
    ("me:s3:c@ret@mq.example.com:5673/a/b", Endpoint("mq.example.com", 5673, "me", "s3:c@ret"), "a/b"),
    ("me@[2001:db8::1]/k", Endpoint("2001:db8::1", user="me"), "k"), ("[::1]:99/k", Endpoint("::1", 99), "k")])
@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_sockets(address, endpoint, routing_key, dialect):
    assert socket(address, dialect, 0) == Socket(endpoint, routing_key)


def test_the_exchange_of_21():
    assert socket("h/my.exchange?key", "2.1", 7) == Socket(Endpoint("h", exchange="my.exchange", heartbeat=7), "key")


def test_the_parameters_of_40():
    assert socket("h/exchange=e; persistent?k?y", "4.0", 0) == Socket(Endpoint("h", exchange="e"), "k?y", True)
    assert socket("h/?key", "4.0", 0) == Socket(Endpoint("h"), "key")


@pytest.mark.parametrize("address, words", [
    ("h", "a / and a routing key"), ("h/", "a routing key is needed"), ("/key", "nothing is no host:port"),
    ("h:x/key", "h:x is no host:port"), ("h:0/key", "no host:port"), ("h:70000/key", "no host:port"),
    ("h/my.exchange?key", "my.exchange is no parameter"), ("h/exchange?key", "exchange is no parameter"),
    ("h/persistent=1?key", "persistent=1 is no parameter"), ("h/tls_domain=x?key", "tls_domain=x is no parameter"),
    ("h/" + "k" * 256, "the routing key has more than 255"),
    (f"h/exchange={'e' * 256}?k", "the exchange has more than 255")])
def test_malformed_sockets(address, words):
    with pytest.raises(ValueError, match=words):
        socket(address, "4.0", 0)


def test_servers():
    assert server("[ID1] uri = amqp://127.0.0.1", 0) == ("ID1", Server(Endpoint("127.0.0.1")))
    text = ("[ID 2] uri=amqp://me:a%40b@[::1]:99/%2fv; frames=4096; retries=3; exchange=e; heartbeat=5; immediate; "
            "mandatory; non-persistent;")
    endpoint = Endpoint("::1", 99, "me", "a@b", "/v", "e", 5, 4096)
    assert server(text, 0) == ("ID 2", Server(endpoint, 3, False, True, True))
    assert str(endpoint) == "[::1]:99 exchange e"
    assert server("[x] uri=amqp://", 0)[1].endpoint == Endpoint("localhost")


@pytest.mark.parametrize("text, words", [
    ("uri=amqp://h", "has no id"), ("[] uri=amqp://h", "has no id"), ("[x uri=amqp://h", "has no id"),
    ("[x] frames=5000", "has no uri"), ("[x] uri=http://h", "is no amqp:// URI"),
    ("[x] uri=amqps://me:hush@h", "amqps://me@h is no amqp:// URI"),
    ("[x] uri=amqp://me:hu/sh@h", "port of the uri is no number"),
    ("[x] uri=amqp://h; what=1", "what=1 is no parameter"),
    ("[x] uri=amqp://h; mandatory=1", "mandatory=1 is no parameter"),
    ("[x] uri=amqp://h; retries", "retries is no parameter"),
    ("[x] uri=amqp://h; frames=100", "frames is a number from 4096 to 131072, not 100"),
    ("[x] uri=amqp://h; retries=x", "retries is a number"),
    (f"[x] uri=amqp://h; exchange={'e' * 256}", "more than 255")])
def test_malformed_servers(text, words):
    with pytest.raises(ConfigError, match=words) as error:
        server(text, 0)
    assert error.value.parameter == "server_id"
