"""What sipmsg_validate() says of a message."""
from __future__ import annotations

from opensips_py.module import ReturnCode


class Verdict(ReturnCode):
    """One code for each thing that can be wrong."""

    VALID = 1
    NO_MESSAGE = -1
    HEADER_MALFORMED = -2
    NO_CALL_ID = -3
    NO_CONTENT_LENGTH = -4
    WRONG_CONTENT_LENGTH = -5
    SDP_MALFORMED = -6
    NO_CSEQ = -7
    NO_FROM = -8
    NO_TO = -9
    NO_VIA = -10
    URI_MALFORMED = -11
    BAD_HOST = -12
    NO_MAX_FORWARDS = -13
    NO_CONTACT = -14
    PATH_OUTSIDE_REGISTER = -15
    NO_ALLOW = -16
    NO_MIN_EXPIRES = -17
    NO_PROXY_AUTHENTICATE = -18
    NO_UNSUPPORTED = -19
    NO_WWW_AUTHENTICATE = -20
    NO_CONTENT_TYPE = -21
    TO_MALFORMED = -22
    BAD_TO_HOST = -23
    FROM_MALFORMED = -24
    BAD_FROM_HOST = -25
    CONTACT_MALFORMED = -26
    BAD_USER = -27
    BAD_FROM_USER = -28
    BAD_TO_USER = -29
    STAR_OUTSIDE_REGISTER = -30
    FAILED = -255


TEXTS = {
    Verdict.HEADER_MALFORMED: "malformed header",
    Verdict.NO_CONTENT_LENGTH: "no Content-Length",
    Verdict.WRONG_CONTENT_LENGTH: "Content-Length that is not the length of the body",
    Verdict.SDP_MALFORMED: "malformed session description",
    Verdict.URI_MALFORMED: "malformed Request-URI",
    Verdict.BAD_HOST: "bad host in the Request-URI",
    Verdict.NO_MAX_FORWARDS: "no Max-Forwards",
    Verdict.NO_CONTACT: "no Contact",
    Verdict.PATH_OUTSIDE_REGISTER: "Path outside of REGISTER",
    Verdict.NO_ALLOW: "405 without Allow",
    Verdict.NO_MIN_EXPIRES: "423 without Min-Expires",
    Verdict.NO_PROXY_AUTHENTICATE: "407 without Proxy-Authenticate",
    Verdict.NO_UNSUPPORTED: "420 without Unsupported",
    Verdict.NO_WWW_AUTHENTICATE: "401 without WWW-Authenticate",
    Verdict.NO_CONTENT_TYPE: "no Content-Type",
    Verdict.TO_MALFORMED: "malformed To",
    Verdict.BAD_TO_HOST: "bad host in To",
    Verdict.FROM_MALFORMED: "malformed From",
    Verdict.BAD_FROM_HOST: "bad host in From",
    Verdict.CONTACT_MALFORMED: "malformed Contact",
    Verdict.BAD_USER: "bad user in the Request-URI",
    Verdict.BAD_FROM_USER: "bad user in From",
    Verdict.BAD_TO_USER: "bad user in To",
    Verdict.STAR_OUTSIDE_REGISTER: "Contact * outside of REGISTER",
}
