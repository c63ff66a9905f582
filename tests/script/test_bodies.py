from opensips_py.script.bodies import boundary, parts, parts_of

MULTIPART = ("--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1\r\nContent-Type:\r\n"
             " application/isup;v=1\r\nContent-Disposition: signal\r\n\r\n\x01\x02\r\n--b1\r\n\r\nplain\r\n--b1--\r\n")


def test_parts_of_a_multipart_body(world):
    world.on_invite('Content-Type: multipart/mixed; boundary="b1"\r\n', MULTIPART)
    found = parts_of(world.request)
    assert [(each.media_type, each.content) for each in found] == [
        ("application/sdp", b"v=0\r\n"), ("application/isup", b"\x01\x02"), ("text/plain", b"plain")]


def test_other_bodies_are_their_own_only_part(world):
    assert parts_of(world.request) == []
    world.on_invite("Content-Type: text/plain\r\n", "hello")
    assert [each.content for each in parts_of(world.request)] == [b"hello"]


def test_a_body_by_itself():
    assert [each.media_type for each in parts(b"v=0", "application/SDP;x=y")] == ["application/sdp"]
    assert parts(b"", "application/sdp") == []


def test_boundaries():
    assert boundary("multipart/mixed;boundary=x") == "x" and boundary("text/plain;boundary=x") is None
    assert boundary("multipart/mixed") is None
