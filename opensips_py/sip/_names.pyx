"""Header names and their numbers; compact forms are the same header (RFC 3261, 7.3.3)."""
from libc.string cimport memset

from opensips_py.sip._grammar cimport same

# In the order of HeaderId, from VIA on.
HEADER_NAMES = (
    "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Route", "Record-Route", "Content-Length",
    "Content-Type", "Expires", "Authorization", "Proxy-Authorization", "WWW-Authenticate", "Proxy-Authenticate",
    "Require", "Proxy-Require", "Supported", "Unsupported", "Allow", "Accept", "Accept-Language", "User-Agent",
    "Server", "Subject", "Date", "Timestamp", "Event", "Allow-Events", "Refer-To", "Referred-By", "Replaces",
    "Session-Expires", "Min-SE", "Min-Expires", "Retry-After", "Warning", "Reason", "Path", "Service-Route",
    "Diversion", "Privacy", "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "RAck", "RSeq",
    "SIP-If-Match", "SIP-ETag", "Identity", "Identity-Info", "Content-Disposition", "Content-Encoding",
    "Organization", "Request-Disposition", "Accept-Contact", "Reject-Contact", "Subscription-State", "History-Info")
COMPACT_FORMS = {
    "a": ACCEPT_CONTACT, "b": REFERRED_BY, "c": CONTENT_TYPE, "d": REQUEST_DISPOSITION, "e": CONTENT_ENCODING,
    "f": FROM, "i": CALL_ID, "j": REJECT_CONTACT, "k": SUPPORTED, "l": CONTENT_LENGTH, "m": CONTACT,
    "n": IDENTITY_INFO, "o": EVENT, "r": REFER_TO, "s": SUBJECT, "t": TO, "u": ALLOW_EVENTS, "v": VIA,
    "x": SESSION_EXPIRES, "y": IDENTITY}

cdef char LOWER[64][24]  # names in lower case, by number
cdef short FIRST[24]  # by length: the first header of that length, 0 for none
cdef short NEXT[64]  # the next one of the same length
cdef short COMPACT[128]


cdef void fill():
    memset(LOWER, 0, sizeof(LOWER))
    memset(FIRST, 0, sizeof(FIRST))
    memset(NEXT, 0, sizeof(NEXT))
    memset(COMPACT, 0, sizeof(COMPACT))
    cdef int number = len(HEADER_NAMES), length, i
    cdef bytes lower
    for name in reversed(HEADER_NAMES):  # so that the commoner one comes first in its list
        lower = name.lower().encode()
        length = len(lower)
        for i in range(length):
            LOWER[number][i] = lower[i]
        NEXT[number] = FIRST[length]
        FIRST[length] = number
        number -= 1
    for letter, header in COMPACT_FORMS.items():
        COMPACT[<int>ord(letter)] = <short><int>header


fill()


cdef int header_id(const char* s, Py_ssize_t n) noexcept nogil:
    """The number of the header named by the n bytes at s, OTHER where it has none."""
    cdef int number
    cdef char c
    if n >= 24 or n < 1:
        return OTHER
    c = s[0] | 0x20
    if n == 1:
        return COMPACT[<unsigned char>c & 127]
    number = FIRST[n]
    while number:
        if LOWER[number][0] == c and same(s, LOWER[number], n):
            return number
        number = NEXT[number]
    return OTHER


cdef int header_id_of(object name) except -1:
    """The number for a name (any case, compact forms too); numbers stay."""
    cdef bytes raw
    cdef long long number
    if isinstance(name, int):
        number = name
        return <int>number if 0 <= number < <int>HEADER_IDS else 0
    raw = (<str?>name).encode("utf-8", "surrogateescape")
    return header_id(raw, len(raw))


def header_name(str name not None):
    """The usual spelling of a header's name: ``m`` and ``CONTACT`` are ``Contact``."""
    cdef int number = header_id_of(name)
    return HEADER_NAMES[number - 1] if number else name
