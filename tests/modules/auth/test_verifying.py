"""What credentials prove, and what they do not."""
from __future__ import annotations

import pytest

from opensips_py.module import AuthResult, Route, Run
from opensips_py.sip import Challenge, Ha1, Password, parse
from opensips_py.sip.digest import ALGORITHMS, ha1
from opensips_py.testing import request
from tests.modules.auth.client import ASK, PLAIN, Client, guarded, script

NAMES = [each.name for each in ALGORITHMS]


def code(server):
    return server.variables["rc"]


@pytest.mark.parametrize("kind", ["www", "proxy"])
def test_who_has_the_password_comes_in(opensips, kind):
    client = Client(opensips(text=guarded(kind)), kind=kind)
    challenge = client.challenge()
    assert code(client.server) == -4
    assert client.prove(challenge) == 200
    assert not challenge.stale


@pytest.mark.parametrize("algorithm", NAMES)
@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth,auth-int"])
def test_all_algorithms_and_qualities(opensips, algorithm, qop):
    client = Client(opensips(text=guarded(more=f'"{qop}", "{algorithm}"')))
    challenge = client.challenge(body="v=0")
    assert challenge.algorithm == algorithm
    assert client.prove(challenge, body="v=0") == 200
    client.password = "wrong"
    assert client.prove(challenge, 2, body="v=0") == 401 and code(client.server) == -2


def test_integrity_of_the_body(opensips):
    client = Client(opensips(text=guarded(more='"auth-int"')))
    credentials = client.answer(client.challenge(body="v=0"), body="v=0")
    assert client.send(str(credentials), body="v=1").status == 401 and code(client.server) == -2
    assert client.send(str(credentials), body="v=0").status == 200


def test_integrity_of_no_body(opensips):
    client = Client(opensips(text=guarded(more='"auth-int"')))
    assert client.prove(client.challenge()) == 200


def test_the_wrong_password_and_the_wrong_user(opensips):
    server = opensips(text=guarded())
    client = Client(server, password="wrong")
    challenge = client.challenge()
    assert client.prove(challenge) == 401 and code(server) == -2
    mallory = Client(server, user="mallory")
    assert mallory.prove(challenge) == 401 and code(server) == -1
    assert Client(server, user="ALICE").prove(challenge) == 200  # as OpenSIPS compares


def test_another_method_than_the_one_that_was_proved(opensips):
    client = Client(opensips(text=guarded()))
    credentials = client.answer(client.challenge())
    assert client.send(str(credentials), method="OPTIONS").status == 401 and code(client.server) == -2


def test_a_nonce_serves_once_without_qop(opensips):
    client = Client(opensips(text=guarded(more="")))
    challenge = client.challenge()
    assert client.prove(challenge) == 200
    again = client.send(str(client.answer(challenge)))
    assert again.status == 401 and code(client.server) == -3 and client.challenges(again)[0].stale
    assert client.prove(client.challenges(again)[0]) == 200


def test_a_nonce_serves_once_under_each_count(opensips):
    client = Client(opensips(text=guarded()))
    challenge = client.challenge()
    assert [client.prove(challenge, count) for count in (1, 1, 2, 4, 3, 3)] == [200, 401, 200, 200, 200, 401]


def test_a_wrong_password_does_not_use_a_nonce_up(opensips):
    server = opensips(text=guarded())
    challenge = Client(server).challenge()
    assert Client(server, password="wrong").prove(challenge) == 401
    assert Client(server).prove(challenge) == 200


def test_nonces_may_serve_again_where_the_check_is_off(opensips):
    client = Client(opensips(text=guarded(settings=f'{PLAIN}modparam("auth", "disable_nonce_check", 1)\n')))
    challenge = client.challenge()
    assert [client.prove(challenge) for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize(("settings", "seconds"), [("", 30), ('modparam("auth", "nonce_expire", 5)\n', 5)])
def test_a_nonce_gets_old(opensips, settings, seconds):
    server = opensips(text=guarded(settings=PLAIN + settings))
    client = Client(server)
    challenge = client.challenge()
    server.advance(seconds)
    assert client.prove(challenge) == 200
    server.advance(1.1)
    late = client.send(str(client.answer(challenge, 2)))
    assert late.status == 401 and code(server) == -3
    [fresh] = client.challenges(late)
    assert fresh.stale and fresh.nonce != challenge.nonce and client.prove(fresh) == 200


def test_a_challenge_after_a_wrong_password_is_not_stale(opensips):
    client = Client(opensips(text=guarded()), password="wrong")
    answer = client.send(str(client.answer(client.challenge())))
    assert not client.challenges(answer)[0].stale


@pytest.mark.parametrize("nonce", ["", "n", "A" * 36, "é", "dcd98b7102dd2f0e8b11d0f600bfb0c093"])
def test_a_nonce_that_is_not_ours(opensips, nonce):
    client = Client(opensips(text=guarded()))
    answer = client.send(str(client.answer(Challenge("example.com", nonce, qop="auth"))))
    assert answer.status == 401 and code(client.server) == -3 and client.challenges(answer)[0].stale


def test_a_nonce_for_one_algorithm_serves_no_weaker_one(opensips):
    client = Client(opensips(text=guarded(more='"auth", "SHA-256"')))
    challenge = client.challenge()
    weak = Challenge(challenge.realm, challenge.nonce, "MD5", "auth")
    assert client.prove(weak) == 401 and code(client.server) == -3
    assert client.prove(challenge) == 200


@pytest.mark.parametrize(("offered", "used", "rc"), [
    ("auth", "", 0), ("auth", "auth-int", -3), ("auth-int", "auth", -3), ("auth-int", "", -3), ("", "auth", -3),
    ("auth,auth-int", "", 0), ("auth,auth-int", "auth-int", 0), ("auth,auth-int", "auth", 0)])
def test_a_nonce_serves_the_qualities_it_was_offered_with(opensips, offered, used, rc):
    client = Client(opensips(text=guarded(more=f'"{offered}"')))
    challenge = client.challenge()
    client.prove(Challenge(challenge.realm, challenge.nonce, qop=used))
    assert code(client.server) == rc


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
@pytest.mark.parametrize("kind", ["www", "proxy"])
def test_what_cannot_be_challenged_is_let_through(opensips, kind, method):
    server = opensips(text=script(f'$var(rc) = pv_{kind}_authorize("example.com"); exit;'))
    server.receive(request(method, "sip:example.net"), "192.0.2.1")
    assert code(server) == 1


def test_credentials_for_another_realm_or_header_do_not_count(opensips):
    client = Client(opensips(text=guarded()))
    challenge = client.challenge()
    other = Challenge("elsewhere", challenge.nonce, qop="auth")
    assert client.prove(other) == 401 and code(client.server) == -4
    proxy = Client(client.server, kind="proxy")
    assert proxy.send(str(proxy.answer(challenge))).status == 401 and code(client.server) == -4


def test_ours_among_those_for_others(opensips):
    client = Client(opensips(text=guarded(kind="proxy")), kind="proxy")
    challenge = client.challenge()
    other = str(client.answer(Challenge("elsewhere", "n")))
    assert client.send("Basic YWxpY2U6c2VjcmV0", other, "Digest rubbish", str(client.answer(challenge))).status == 200


@pytest.mark.parametrize("other", ["Basic YWxpY2U6c2VjcmV0", "Bearer x", "", "NTLM"])
def test_other_schemes_are_no_credentials(opensips, other):
    client = Client(opensips(text=guarded()))
    assert client.send(other).status == 401 and code(client.server) == -4


REFUSED = "400"


@pytest.mark.parametrize(("change", "rc"), [
    (lambda text: text.replace('uri="sip:example.net", ', ""), REFUSED),
    (lambda text: text.replace("nc=00000001, ", ""), REFUSED),
    (lambda text: text.replace("nc=00000001", "nc=xyz"), -5), (lambda text: text.replace("00000001", "000000001"), -5),
    (lambda text: text.replace("00000001", "ffffffff"), -2), (lambda text: text.replace("MD5", "SHA-1"), -5),
    (lambda text: text.replace("qop=auth", "qop=auth-conf"), -5), (lambda text: text + ', qop="auth"', REFUSED),
    (lambda text: text + ', x="', REFUSED), (lambda text: "Digest " + ",".join(f"p{i}=1" for i in range(600)), REFUSED),
    (lambda text: text.replace("Digest ", "Digest " + "a=1,b=2," * 4000), REFUSED), (lambda text: text + ", x=y", 0),
    (lambda text: text.replace(", ", ",\r\n "), 0), (lambda text: text.replace("Digest", "dIgEsT\t"), 0),
    (lambda text: text.replace("00000001", "1"), -2), (lambda text: text.replace('="example.com"', "=example.com"), 0),
    (lambda text: text.replace("response=\"", "response=\"0"), -2), (lambda text: text + ', userhash="true"', 0)])
def test_hostile_and_odd_credentials(opensips, change, rc):
    server = opensips(text=guarded())
    client = Client(server)
    text = str(client.answer(client.challenge()))
    server.log.clear()
    answer = client.send(change(text))
    assert (REFUSED if answer.status == 400 else code(server)) == rc
    assert len(server.log) <= 1, server.log


def test_many_headers_with_rubbish_cost_one_line(opensips):
    server = opensips(text=guarded())
    client = Client(server)
    client.challenge()
    server.log.clear()
    answer = client.send(*['Digest username="alice", realm="example.com", x'] * 400)
    assert answer.status == 400 and len(server.log) <= 1


@pytest.mark.parametrize("user", ['a"b', "a\\b", "Zoë", "a,b=c", "用户", "a b", "\udcff"])
def test_names_of_all_kinds(opensips, user):
    literal = user.replace("\\", "\\\\").replace('"', '\\"')
    text = guarded().replace('$avp(user) = "alice"', f'$avp(user) = "{literal}"')
    if user == "\udcff":
        text = guarded().replace('$avp(user) = "alice"', "$avp(user) = $hdr(X-User)")
    client = Client(opensips(text=text), user=user)
    challenge = client.challenge()
    sent = client.server.receive(request("REGISTER", "sip:example.net", headers={
        "X-User": user, "Authorization": str(client.answer(challenge))}), "192.0.2.1")
    assert [each.status for each in sent] == [200]


def test_a_reload_keeps_nonces_and_what_served(opensips):
    server = opensips(text=guarded())
    client = Client(server)
    first, second = client.challenge(), client.challenge()
    assert client.prove(first) == 200
    server.reload(guarded())
    assert client.prove(first) == 401 and code(server) == -3
    assert client.prove(second) == 200


def test_a_secret_makes_nonces_of_its_own(opensips):
    settings = f'{PLAIN}modparam("auth", "secret", "{"s" * 32}")\n'
    nonces = []
    for text in (guarded(settings=settings), guarded(settings=settings), guarded()):
        client = Client(opensips(text=text))
        nonces.append((client.challenge(), client))
    assert nonces[1][1].server is not nonces[0][1].server
    server = opensips(text=guarded(settings=settings + 'modparam("auth", "disable_nonce_check", 1)\n'))
    client = Client(server)
    assert client.prove(nonces[0][0]) == 200 and client.prove(nonces[1][0]) == 200  # of other servers with the secret
    assert client.prove(nonces[2][0]) == 401 and code(server) == -3


# What other modules call


@pytest.mark.parametrize(("found", "algorithm", "result"), [
    (Password("secret"), "SHA-256", AuthResult.AUTHORIZED), (None, "MD5", AuthResult.NO_USER),
    (Password("no"), "MD5", AuthResult.WRONG_PASSWORD),
    (Ha1(md5=ha1("alice", "example.com", "secret")), "MD5", AuthResult.AUTHORIZED),
    (Ha1(md5=ha1("alice", "example.com", "secret").upper()), "MD5-sess", AuthResult.AUTHORIZED),
    (Ha1(md5=ha1("alice", "example.com", "secret")), "SHA-256", AuthResult.ERROR),
    (Ha1(sha_512_256=ha1("alice", "example.com", "secret", "SHA-512-256")), "SHA-512-256", AuthResult.AUTHORIZED),
    (ConnectionError("the database is away"), "MD5", AuthResult.ERROR)])
def test_a_module_with_a_table_of_users(opensips, found, algorithm, result):
    server = opensips(text=guarded(more=f'"auth", "{algorithm}"'))
    auth = server.engine.generation.registry.modules["auth"]
    client, asked = Client(server), []

    def lookup(credentials):
        asked.append((credentials.username, credentials.realm, credentials.algorithm))
        if isinstance(found, Exception):
            raise found
        return found

    credentials = client.answer(client.challenge())
    message = parse(request("REGISTER", "sip:example.net", headers={ASK["www"]: str(credentials)}))
    assert auth.authorize(asking(server, message), "www", "example.com", lookup) is result
    assert asked == [("alice", "example.com", algorithm)]
    assert auth.proven(message) == (credentials if result is AuthResult.AUTHORIZED else None)


def asking(server, message):
    """A run of the request route."""
    return Run(server.engine, server.engine.generation, Route.REQUEST, message, message)


def test_nobody_is_looked_up_for_a_nonce_that_is_not_ours(opensips):
    server = opensips(text=guarded())
    auth = server.engine.generation.registry.modules["auth"]
    text = str(Client(server).answer(Challenge("example.com", "n")))
    message = parse(request("REGISTER", "sip:example.net", headers={ASK["www"]: text}))
    assert auth.authorize(asking(server, message), "www", "example.com", pytest.fail) is AuthResult.STALE_NONCE
    assert auth.proven(message) is None


def test_a_module_whose_server_verifies_by_itself(opensips):
    server = opensips(text=guarded())
    auth, client = server.engine.generation.registry.modules["auth"], Client(server)
    message = parse(request("REGISTER", "sip:example.net", headers={
        ASK["www"]: str(client.answer(client.challenge()))}))
    given = auth.examine(asking(server, message), "www", "example.com")
    assert given.credentials.username == "alice" and auth.proven(message) is None
    assert auth.accept(message, given) is AuthResult.AUTHORIZED
    assert auth.proven(message) == given.credentials
    assert auth.accept(message, given) is AuthResult.STALE_NONCE
