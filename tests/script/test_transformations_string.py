import hashlib
import hmac

import pytest

LATIN = "caf\udce9"  # a byte that is no UTF-8


@pytest.mark.parametrize(("value", "steps", "result"), [
    ("abc", "{s.len}", 3), ("äö", "{s.len}", 4), (LATIN, "{s.len}", 4), (12345, "{s.len}", 5), ("", "{s.len}", 0),
    ("2868.12 sec", "{s.int}", 2868), ("sec", "{s.int}", 0), (" -5x", "{s.int}", 0), ("-5x", "{s.int}", -5),
    ("+7", "{s.int}", 7),
    ("abcd", "{s.substr,1,0}", "bcd"), ("abcd", "{s.substr,-2,1}", "c"), ("abcd", "{s.substr,0,-1}", "abc"),
    ("abcd", "{s.substr,1,99}", "bcd"), ("abcd", "{s.substr,4,0}", None), ("abcd", "{s.substr,-5,0}", None),
    ("äb", "{s.substr,2,1}", "b"), ("abcd", "{s.substr,1,-3}", None), (12345, "{s.substr,3,0}", "45"),
    ("12,34,56", "{s.select,1,,}", "34"), ("12,34,56", "{s.select,-2,,}", "34"), ("12,34", "{s.select,2,,}", None),
    ("a  b", "{s.select,1, }", ""), ("abc", "{s.select,0,;}", "abc"),
    ("onetwothreeone", "{s.index,one}", 0), ("onetwothreeone", "{s.index, one, 3}", 11),
    ("onetwothreeone", "{s.index, one, -11}", 11), ("onetwothreeone", "{s.index, one, -25}", 0),
    ("onetwothreeone", "{s.index,four}", None), ("onetwothreeone", "{s.rindex,one}", 11),
    ("onetwothreeone", "{s.rindex,one,-3}", 11), ("onetwothreeone", "{s.rindex,one,11}", 11),
    ("onetwothreeone", "{s.rindex,one,-4}", 0), ("x", "{s.rindex,one}", None),
    ("485", "{s.fill.left, 0, 3}", "485"), ("485", "{s.fill.left, 0, 6}", "000485"),
    ("485", "{s.fill.left, abc, 8}", "bcabc485"), (485, "{s.fill.right,0,6}", "485000"),
    ("485", "{s.fill.right, abc, 8}", "485abcab"),
    ("transformation", "{s.width,14}", "transformation"), ("transformation", "{s.width, 16}", "transformation  "),
    ("transformation", "{s.width,9}", "transform"),
    ("AbÄ", "{s.tolower}", "abÄ"), ("abä", "{s.toupper}", "ABä"), ("AbC", "{s.tolower}", "abc"),
    ("onetwothree", "{s.reverse}", "eerhtowteno"),
    ("\t \n input string  \r  ", "{s.trim}", "input string"), ("\t a \r", "{s.trimr}", "\t a"),
    ("\t a ", "{s.triml}", "a "),
    (255, "{s.dec2hex}", "ff"), ("x", "{s.dec2hex}", None), ("ff", "{s.hex2dec}", 255), ("zz", "{s.hex2dec}", None),
    ("äA", "{s.encode.hexa}", "c3a441"), ("c3a441", "{s.decode.hexa}", "äA"), ("c3a", "{s.decode.hexa}", None),
    ("\x02\x03\x04\x05!@#%^&*", "{s.b64encode}", "AgMEBSFAIyVeJio="),
    ("AgMEBSFAIyVeJio=", "{s.b64decode}", "\x02\x03\x04\x05!@#%^&*"), ("A", "{s.b64decode}", None),
    ("aaab", "{s.xor,xy}", "\x19\x18\x19\x1b"),
    ("""a'b"c\\d""", "{s.escape.common}", """a\\'b\\"c\\\\d"""),
    ("""a\\'b\\"c\\\\d""", "{s.unescape.common}", """a'b"c\\d"""),
    ("a b@c;d", "{s.escape.user}", "a%20b%40c;d"), ("a%20b%40c", "{s.unescape.user}", "a b@c"),
    ("a b;c/[d]", "{s.escape.param}", "a%20b%3bc/[d]"), ("a%3Bb", "{s.unescape.param}", "a;b"),
    ("a%zzb", "{s.unescape.user}", None), ("100%", "{s.unescape.user}", None),
    ("abc", "{s.md5}", hashlib.md5(b"abc").hexdigest()), ("abc", "{s.crc32}", "3403398717"),
    ("abc", "{s.sha1}", hashlib.sha1(b"abc").hexdigest()), ("abc", "{s.sha224}", hashlib.sha224(b"abc").hexdigest()),
    ("abc", "{s.sha256}", hashlib.sha256(b"abc").hexdigest()),
    ("abc", "{s.sha384}", hashlib.sha384(b"abc").hexdigest()),
    ("abc", "{s.sha512}", hashlib.sha512(b"abc").hexdigest()),
    ("abc", "{s.sha1_hmac,secret}", hmac.new(b"secret", b"abc", "sha1").hexdigest()),
    *(("abc", f"{{s.sha{size}_hmac,secret}}", hmac.new(b"secret", b"abc", f"sha{size}").hexdigest())
      for size in (224, 256, 384, 512)),
    ("Thu, 13 Jun 2024 12:48:00 GMT", "{s.date2unix}", 1718282880), ("yesterday", "{s.date2unix}", None),
])
def test_values(world, value, steps, result):
    assert world.through(value, steps) == result


def test_null_passes_through_every_transformation(world):
    for name, found in world.registry.transformations.items():
        arguments = "".join(",1" for each in found.declaration.arguments if each.name != "option")
        if name != "re.subst":
            assert world.through(None, f"{{{name}{arguments}}}") is None, name


def test_escapes_are_undone(world):
    for text in ("plain", "a b/c@d;e?f=g&h+i$j,k", LATIN, "ä'\"\\"):
        for kind in ("user", "param", "common"):
            assert world.through(text, f"{{s.escape.{kind}}}{{s.unescape.{kind}}}") == text


def test_arguments_may_be_variables(world):
    world.assign("$var(n)", 1)
    world.assign("$var(s)", ";")
    assert world.through("a;b;c", "{s.select,$var(n),$var(s)}") == "b"
    assert world.through("abc", "{s.substr,$(var(n){s.int}),0}") == "bc"
    assert world.through("abc", "{s.substr,$var(unset),0}") is None


def test_eval(world):
    world.assign("$var(in)", "client")
    assert world.through("Hello, $var(in)!", "{s.eval}") == "Hello, client!"
    assert world.through("$(broken", "{s.eval}") is None


def test_a_chain(world):
    assert world.through("a=1;b=22;c=333", "{param.value,$(var(x){param.name,1})}{s.len}") == 2
