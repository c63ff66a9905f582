from opensips_py.script import sdp

BODY = "v=0\r\ns=-\r\nm=audio 1 RTP/AVP 0\r\na=x\r\nm=video 2 RTP/AVP 31\r\n"


def test_streams_lie_where_they_say():
    audio, video = sdp.streams(BODY)
    assert (audio.media, video.media) == ("audio", "video")
    assert audio.text == "m=audio 1 RTP/AVP 0\r\na=x\r\n" and BODY[video.start:video.end] == video.text


def test_choice():
    found = sdp.streams(BODY)
    assert sdp.chosen(found, "-1") == [found[1]] and sdp.chosen(found, "AUDIO") == [found[0]]
    assert sdp.chosen(found, "2") == sdp.chosen(found, "text") == []


def test_deletion_and_lines():
    assert sdp.without(BODY, sdp.streams(BODY)) == "v=0\r\ns=-\r\n"
    assert sdp.lines(BODY)[0] == "v=0" and len(sdp.lines(BODY)) == 5
    assert sdp.streams("") == []
