"""The forms of what headers and session descriptions hold, beyond what the parser insists on."""
from __future__ import annotations

from collections.abc import Callable

from opensips_py.errors import MalformedMessage
from opensips_py.sip import Credentials, HeaderId, Message, SessionDescription
from opensips_py.sip.bodies import parts_of
from opensips_py.sip.splitting import fields

TOKEN = frozenset("-.!%*_+`'~")  # and letters and digits


def is_token(text: str) -> bool:
    """Whether *text* is a token (RFC 3261, 25.1)."""
    return bool(text) and text.isascii() and all(each.isalnum() or each in TOKEN for each in text)


def is_token_list(text: str) -> bool:
    """Whether *text* is tokens with commas between them; it may be empty."""
    return not text or all(is_token(each) for each in fields(text))


def is_token_first(text: str) -> bool:
    """Whether *text* begins with a token, before parameters."""
    return is_token(text.partition(";")[0].strip())


def is_number_first(text: str) -> bool:
    """Whether *text* begins with seconds, before a comment or parameters."""
    number = text.partition(";")[0].partition("(")[0].strip()
    return number.isascii() and number.isdigit()


def is_media_type(text: str) -> bool:
    """Whether *text* is a type and a subtype, before parameters."""
    kind, slash, subtype = text.partition(";")[0].partition("/")
    return bool(slash) and is_token(kind.strip()) and is_token(subtype.strip())


def is_rack(text: str) -> bool:
    """Whether *text* names a provisional response (RFC 3262, 7.2)."""
    words = text.split()
    return len(words) == 3 and words[0].isdigit() and words[1].isdigit() and is_token(words[2])


def are_credentials(text: str) -> bool:
    """Whether *text* is credentials; those of schemes other than Digest are not looked into."""
    if not text.lower().startswith("digest"):
        return is_token(text.partition(" ")[0])
    try:
        return bool(Credentials.parse(text))
    except MalformedMessage:
        return False


FORMS: dict[HeaderId, Callable[[str], bool]] = {
    **dict.fromkeys((HeaderId.ALLOW, HeaderId.SUPPORTED, HeaderId.REQUIRE, HeaderId.PROXY_REQUIRE,
                     HeaderId.UNSUPPORTED, HeaderId.ALLOW_EVENTS, HeaderId.CONTENT_ENCODING), is_token_list),
    **dict.fromkeys((HeaderId.EVENT, HeaderId.CONTENT_DISPOSITION, HeaderId.SUBSCRIPTION_STATE), is_token_first),
    **dict.fromkeys((HeaderId.EXPIRES, HeaderId.MIN_EXPIRES, HeaderId.RETRY_AFTER, HeaderId.SESSION_EXPIRES,
                     HeaderId.MIN_SE, HeaderId.RSEQ), is_number_first),
    **dict.fromkeys((HeaderId.AUTHORIZATION, HeaderId.PROXY_AUTHORIZATION), are_credentials),
    HeaderId.CONTENT_TYPE: is_media_type, HeaderId.RACK: is_rack}


def are_well_formed(message: Message) -> bool:
    """Whether all headers of known form have it."""
    return all(FORMS[HeaderId(each.id)](each.value) for each in message.headers() if each.id in FORMS)


def is_sdp_sound(message: Message) -> bool:
    """Whether the session descriptions of a message can be read and say who sends them and where media go."""
    try:
        return all(is_complete(SessionDescription.parse(each.content)) for each in parts_of(message)
                   if each.media_type == "application/sdp")
    except MalformedMessage:
        return False


def is_complete(session: SessionDescription) -> bool:
    """Whether a session has its version first, an origin, and an address for all media (RFC 4566, 5)."""
    origin = (session.get("o") or "").split()
    return session.lines[0] == ("v", "0") and len(origin) == 6 and all(
        session.address_of(media) for media in session.media)
