import pytest

from opensips_py.sip import parse

SDP = ("v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\na=sess:1\r\n"
       "m=audio 27292 RTP/AVP 9 8\r\na=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/16000\r\na=ptime:20\r\n"
       "m=video 4002 RTP/AVP 31\r\na=fmtp:115 level=3;bitrate=64000\r\na=nortpproxy:yes\r\na=ptime:30\r\n")
MULTIPART = ("--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=x\r\n\r\n"
             "--b1\r\nContent-Type: application/isup;v=1\r\n\r\nISUP\r\n--b1--\r\n")


def with_sdp(world):
    return world.on_invite("Content-Type: application/sdp\r\n", SDP)


def test_whole_body(world):
    assert world.value("$rb") is None and world.value("$cT") is None
    with_sdp(world)
    assert world.value("$rb") == world.value("$(rb[*])") == world.value("$(rb[0])") == SDP
    assert world.value("$rb(application/sdp)") == SDP and world.value("$rb(application/isup)") is None
    assert world.value("$cT") == "application/sdp" and world.value("$(cT[0])") is None


def test_parts_of_a_body(world):
    world.on_invite("Content-Type: multipart/mixed;boundary=b1\r\n", MULTIPART)
    assert world.value("$rb(application/sdp)") == world.value("$(rb[0])") == "v=0\r\ns=x\r\n"
    assert world.value("$(rb[-1])") == world.value("$(rb(application/isup)[-1])") == "ISUP"
    assert world.value("$(rb[2])") is None
    assert (world.value("$(cT[0])"), world.value("$(cT[-1])")) == ("application/sdp", "application/isup;v=1")
    assert world.value("$(cT[*])") == "multipart/mixed;boundary=b1,application/sdp,application/isup;v=1"
    world.assign("$sdp.line(s=)", "s=y")
    assert parse(world.request.edited()).body == MULTIPART.replace("s=x", "s=y").encode()


def test_lines_and_words(world):
    with_sdp(world)
    read = {
        "$sdp.line(a=)": "a=sess:1", "$sdp.line(a=[1])": "a=rtpmap:9 G722/8000", "$sdp.line(a=ptime[1])": "a=ptime:30",
        "$(sdp.line(a=ptime)[1])": "a=ptime:30", "$sdp.line(a=[100])": None, "$sdp.line(m=audio/[0])": "audio",
        "$sdp.line(m=audio/[1])": "27292", "$sdp.line(m=audio/[2])": "RTP/AVP", "$sdp.line(m=audio/[9])": None,
        r"$sdp.line(m=audio/RTP\/AVP)": "RTP/AVP", r"$sdp.line(m=audio/RTP\/AVP[1])": None,
        "$sdp.line(m=audio/RTQ)": None,
        "$sdp.line([1])": "o=- 1 1 IN IP4 1.2.3.4", "$sdp.session(a=)": "a=sess:1", "$sdp.session(a=rtpmap)": None,
        "$sdp.stream(/a=ptime)": "a=ptime:20", "$sdp.stream([1]/a=ptime)": "a=ptime:30",
        "$sdp.stream(v[0]/a=nortpproxy)": "a=nortpproxy:yes", "$sdp.stream(audio[1]/a=ptime)": None,
        "$sdp.stream(video/a=fmtp:115/bitrate=)": "bitrate=64000", "$sdp.stream.idx(video/a=fmtp/bitrate=)": 11,
        "$sdp.stream.idx(audio/a=fmtp)": None, "$sdp.stream.idx(video)": 10}
    assert {text: world.value(text) for text in read} == read
    assert world.value("$sdp.session") == SDP.partition("m=")[0]
    assert world.value("$sdp.stream(video)") == world.value("$sdp.stream(v/)") == "m=video 4002 RTP/AVP 31"
    assert world.value("$sdp.session([1]/)") == "o=-" and world.value("$sdp.session([1]/[5])") == "1.2.3.4"
    assert world.value("$sdp.line(a=fmtp/bitrate )") is None, "a blank counts"
    assert world.value("$sdp") == SDP


def test_writing_is_seen_at_once_and_leaves_with_the_message(world):
    with_sdp(world)
    world.assign("$sdp.stream(video[0]/a=fmtp:115/bitrate=)", 48000)
    world.assign("$sdp.stream(video[0]/a=nortpproxy)", None)
    world.assign("$sdp.stream(audio/a=ptime)", "a=ptime:40")
    world.assign("$sdp.session(a=sess)", None)
    world.assign(r"$sdp.line(a=rtpmap/telephone-event\/)", "8000")
    world.assign("$sdp.line(m=audio/[4])", None)
    expected = SDP.replace("bitrate=64000", "bitrate=48000").replace("a=nortpproxy:yes\r\n", "").replace(
        "a=ptime:20", "a=ptime:40").replace("a=sess:1\r\n", "").replace("telephone-event/16000", "telephone-event/8000"
        ).replace("RTP/AVP 9 8", "RTP/AVP 9")
    assert world.value("$sdp") == expected
    assert world.value("$rb") == world.value("$rb(application/sdp)") == expected
    sent = parse(world.request.edited())
    assert sent.body == expected.encode() and sent.content_length == len(expected)


def test_assigning_the_whole(world):
    with_sdp(world).assign("$sdp", "v=0\r\n")
    world.assign("$sdp.session", "v=1\r\n")
    assert parse(world.request.edited()).body == b"v=1\r\n"
    world.assign("$sdp", None)
    assert world.value("$sdp") is None and parse(world.request.edited()).body == b""


def test_a_body_for_a_message_without_one(world):
    assert world.value("$sdp") is None
    world.assign("$sdp", "v=0\r\n")
    sent = parse(world.request.edited())
    assert (sent.body, sent.header("Content-Type"), sent.content_length) == (b"v=0\r\n", "application/sdp", 5)


def test_after_the_edits_are_applied_the_new_body_counts(world):
    with_sdp(world).assign("$sdp", "v=0\r\ns=new\r\n")
    world.on(world.request.apply_edits())
    assert world.value("$rb") == world.value("$sdp") == "v=0\r\ns=new\r\n"
    world.assign("$sdp.line(s=)", "s=newer")
    assert parse(world.request.edited()).body == b"v=0\r\ns=newer\r\n"


def test_what_does_not_fit_changes_nothing(world, caplog):
    with_sdp(world).assign("$sdp.line(x=)", "x=1")
    assert world.value("$sdp") == SDP and "x=" in caplog.text


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_are_put_beside_others(world, end, last):
    lines = ["v=0", "s=-", "m=audio 1 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=sendrecv"]
    world.assign("$sdp", end.join(lines) + (end if last else ""))
    world.assign("$(sdp.line([4])[insert])", "a=ptime:20")
    world.assign("$(sdp.line(a=sendrecv)[insertAfter])", "a=x")
    world.assign("$(sdp.stream(audio/a=rtpmap)[insertAfter])", "a=rtpmap:8 PCMA/8000")
    world.assign("$(sdp.session([0])[insert])", "x=0")
    assert world.value("$sdp") == end.join([
        "x=0", *lines[:4], "a=rtpmap:8 PCMA/8000", "a=ptime:20", "a=sendrecv", "a=x", ""])
    assert [world.value(f"$sdp.stream.idx({each})") for each in ("audio/a=ptime", "/v=0", "audio[1]")] == [6, None,
    None]


def test_removed_sdp_is_gone_from_the_body(world):
    with_sdp(world).assign("$sdp", None)
    assert world.value("$rb") is None and world.value("$rb(application/sdp)") is None
    world.assign("$sdp", "v=0\r\n")
    assert world.value("$rb(application/sdp)") == "v=0\r\n"
