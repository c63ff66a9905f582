import pytest

from tests.script.script import messages, read, right, run_of


def holds(condition, setup="", dialect="4.0", more=""):
    text = f"dialect={dialect}\nroute {{ {setup} if ({condition}) $var(held) = 1; else $var(held) = 0; }}\n{more}"
    return bool(run_of(right(text))[1].variables["held"])


SETUP = '$var(n) = 5; $var(t) = "Text"; $var(d) = "5"; $var(e) = ""; $var(z) = 0;'


@pytest.mark.parametrize(("condition", "expected"), [
    ("$var(n)", True), ("$var(z)", False), ("$var(e)", False), ("$var(t)", True), ("$var(none)", False),
    ("!$var(z)", True), ("not $var(n)", False),
    ("$var(n) == 5", True), ("5 == $var(n)", True), ("$var(d) == 5", False), ("$var(n) == $var(d)", True),
    ('$var(n) == "5"', True), ('$var(t) == "TEXT"', True), ('"text" == $var(t)', True), ('$var(t) != "x"', True),
    ("6 > $var(n)", True), ("$var(n) >= 5", True), ("$var(n) < 5", False), ("$var(t) > 1", False),
    ("$var(t) < \"z\"", True), ("$var(n) != 4", True), ("$var(t) != 4", False),
    ('$var(t) =~ "^te"', True), ('$var(t) !~ "^te"', False), ("$var(t) =~ $var(t)", True),
    ('$var(n) =~ "^[0-9]$"', True),
    ('"abc" =~ $var(e)', True), ('$var(t) =~ "a|b"', False),
    ("$var(none) == NULL", True), ("NULL != $var(n)", True), ("$var(none) == $var(other)", True),
    ("$var(none) == 0", False), ("$var(none) < 5", False), ('$var(none) == ""', False),
    ("$var(n) == 5 && $var(t) == \"text\" || $var(z)", True), ("$var(z) && $var(n) || $var(z)", False),
    ("!($var(n) == 5 and $var(z))", True), ("!$var(n) == 4", True),
    ("($var(n) & 4) == 4", True), ("[$var(n) + 1] == 6", True), ("~$var(z) == -1", True), ("-$var(n) == -5", True)])
def test_in_both_dialects(condition, expected):
    assert holds(condition, SETUP) is expected
    if "other" not in condition:
        assert holds(condition, SETUP, "2.1") is expected


@pytest.mark.parametrize(("condition", "v21", "v40"), [
    ('$var(none) != "x"', True, True), ("$var(none) == $var(other)", True, True), ('$var(none) !~ "x"', True, True),
    ("$var(none) != $var(n)", True, True), ("$var(none) != 5", True, True), ("$var(t) !~ $var(none)", False, True),
    ("$(var(none){s.len}) == NULL", False, True), ("$var(n) || $var(n) && $var(z)", False, False),
    ("$var(n) == FIVE", False, None)])
def test_null_in_each_dialect(condition, v21, v40):
    assert holds(condition, SETUP, "2.1") is v21
    if v40 is None:
        assert read(f"dialect=4.0\nroute {{ if ({condition}) exit; }}").diagnostics.errors
    else:
        assert holds(condition, SETUP) is v40


@pytest.mark.parametrize(("condition", "seen"), [
    ("route(no) && route(yes)", "n"), ("route(yes) || route(no)", "y"), ("route(yes) && route(no)", "yn"),
    ("route(no) || !route(no) && route(yes)", "nny"), ("!(route(no) || route(yes))", "ny")])
def test_the_right_side_runs_only_where_it_decides(condition, seen):
    more = 'route[yes] { $var(s) = $var(s) + "y"; return(1); }\nroute[no] { $var(s) = $var(s) + "n"; return(-1); }'
    _, run = run_of(right(f'route {{ $var(s) = ""; if ({condition}) $var(x) = 1; }}\n{more}'))
    assert run.variables["s"] == seen


def test_the_left_side_is_looked_at_first():
    _, run = run_of(right("route { $var(a) = 1; if ($var(a) == 1 && route(change) && $rc == 9) $var(held) = 1; }\n"
                          "route[change] { $var(a) = 2; return(9); }"))
    assert run.variables == {"a": 2, "held": 1}


OPERANDS = ["method == INVITE", 'method == "INVITE"', "method != ACK", "src_ip == 192.0.2.7", "src_ip == 192.0.2.0/24",
            "src_ip == 192.0.0.0/255.255.0.0", "src_port == 5062", 'src_port == "5062"', "proto == UDP", "af == INET",
            'uri =~ "^sip:bob"', "from_uri =~ \"alice\"", "to_uri == \"sip:bob@biloxi.com\"", "msg:len > 100",
            "msg:len <= max_len", "!(msg:len >= max_len)", "dst_ip == 127.0.0.1", "dst_port == 5060",
            "src_ip != 10.0.0.0/8", "!(src_ip == 10.0.0.1)"]


@pytest.mark.parametrize("condition", OPERANDS)
def test_operands_of_21(old_world, condition):
    old_world.execute(f"if ({condition}) $var(held) = 1;")
    assert old_world.run.variables == {"held": 1}


@pytest.mark.parametrize(("length", "held"), [(65534, 0), (65535, 1), (65536, 1)])
def test_max_len_is_the_size_of_the_longest_datagram(old_world, length, held):
    shorter = old_world.on_invite(body="x" * 60000).request.data
    world = old_world.on_invite(body="x" * (60000 + length - len(shorter)))
    assert len(world.request.data) == length
    world.execute("$var(held) = 0; if (msg:len >= max_len) $var(held) = 1;")
    assert world.run.variables == {"held": held}


@pytest.mark.parametrize(("condition", "held"), [
    ("uri == myself", True), ("from_uri == myself", False), ("uri != myself", False), ("src_ip == myself", True),
    ("dst_ip == myself", True)])
def test_myself(old_world, condition, held):
    asked = []

    def is_local(host, port, protocol):
        asked.append((host, port))
        return host in ("biloxi.com", "192.0.2.7", "127.0.0.1")
    old_world.services.transports.is_local = is_local
    old_world.execute(f"if ({condition}) $var(held) = 1; else $var(held) = 0;")
    assert old_world.run.variables["held"] == int(held) and asked


@pytest.mark.parametrize(("condition", "message"), [
    ("$rU < NULL", "'<' does not go with this"), ("uri > myself", "'>' does not go with myself"),
    ("$si == 10.0.0.0/40", "10.0.0.0/40 is no network"), ('$ru =~ "("', "wrong regular expression")])
def test_what_does_not_go(condition, message):
    (found,) = read(f"dialect=2.1\nroute {{ if ({condition}) exit; }}").diagnostics.errors
    assert found.message.startswith(message)


def test_two_constants_are_worth_a_warning():
    found = read('route { if ("a" == "a") exit; }')
    assert messages(found.diagnostics) == ["both sides of the comparison are constants"]
