"""What every request with credentials costs: reading their parameters (RFC 7235, 2.1), and MD5 (RFC 1321)."""
from cpython.bytes cimport PyBytes_AS_STRING
from libc.math cimport fabs, sin
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from opensips_py.sip._grammar cimport encode, same

from opensips_py.errors import MalformedMessage
from opensips_py.sip._uri import unquoted

cdef extern from "Python.h":
    int PyUnicode_IS_COMPACT_ASCII(object text)
    int PyUnicode_KIND(object text)
    void* PyUnicode_DATA(object text)
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    Py_UCS4 PyUnicode_READ(int kind, void* data, Py_ssize_t at)

cdef enum:
    MOST = 50  # parameters of one header; nobody has that many, and a stranger's header is not worth more work
    SHOWN = 80  # characters of what is wrong

cdef const char* HEX = b"0123456789abcdef"


cdef struct Source:  # a text, to be read character by character
    int kind
    void* data
    Py_ssize_t end
    bint is_ascii


cdef inline Source source_of(str text) except *:
    cdef Source source
    source.end = len(text)
    source.kind, source.data = PyUnicode_KIND(text), PyUnicode_DATA(text)
    source.is_ascii = PyUnicode_IS_COMPACT_ASCII(text)
    return source


cdef inline Py_UCS4 at_(Source* source, Py_ssize_t at) noexcept:
    return PyUnicode_READ(source.kind, source.data, at)


cdef inline Py_ssize_t past_space(Source* source, Py_ssize_t at) noexcept:
    """The first character from *at* on that is no white space: a header may be folded anywhere."""
    while at < source.end and at_(source, at).isspace():
        at += 1
    return at


cpdef bytes raw(str text):
    """A text as the bytes that it stands for."""
    return encode(text)


cpdef bint is_digest(str value) except -1:
    """Whether a header's value begins as digest credentials or a digest challenge do."""
    cdef Source source = source_of(value)
    cdef Py_ssize_t at = past_space(&source, 0)
    if source.is_ascii:
        return source.end - at >= 6 and same(<const char*>source.data + at, b"digest", 6)
    return value[at:at + 6].lower() == "digest"


cpdef dict digest_parameters(str value):
    """What stands behind the scheme Digest; nothing where there is another scheme."""
    cdef Source source = source_of(value)
    cdef Py_ssize_t at = past_space(&source, 0) + 6
    if not is_digest(value) or at < source.end and not at_(&source, at).isspace():
        return {}
    return parse_parameters(value, at)


cdef str between(Source* source, str text, Py_ssize_t start, Py_ssize_t end):
    """The characters from *start* up to *end*."""
    if not source.is_ascii:
        return text[start:end]
    cdef str part = PyUnicode_New(end - start, 127)
    memcpy(PyUnicode_DATA(part), <const char*>source.data + start, end - start)
    return part


cdef str name_between(Source* source, str text, Py_ssize_t start, Py_ssize_t end):
    """A name in lower case, without the white space behind it; the usual ones are made once."""
    while end > start and at_(source, end - 1) in " \t\r\n":
        end -= 1
    cdef const char* s = <const char*>source.data + start
    cdef Py_ssize_t n = end - start if source.is_ascii else 0
    if n == 8:
        if same(s, b"username", 8):
            return "username"
        if same(s, b"response", 8):
            return "response"
    elif n == 5:
        if same(s, b"realm", 5):
            return "realm"
        if same(s, b"nonce", 5):
            return "nonce"
    elif n == 3:
        if same(s, b"uri", 3):
            return "uri"
        if same(s, b"qop", 3):
            return "qop"
    elif n == 9 and same(s, b"algorithm", 9):
        return "algorithm"
    elif n == 6 and same(s, b"cnonce", 6):
        return "cnonce"
    elif n == 2 and same(s, b"nc", 2):
        return "nc"
    return text[start:end].lower()


cpdef dict parse_parameters(str text, Py_ssize_t at=0):
    """The comma-separated ``name=value`` pairs of a challenge or of credentials, names in lower case."""
    cdef dict out = {}
    cdef Source source = source_of(text)
    cdef Py_ssize_t end = source.end, start
    cdef bint escaped
    cdef str name, value
    while True:
        while at < end and at_(&source, at) in " \t\r\n,":
            at += 1
        if at == end:
            return out
        start = at
        while at < end and at_(&source, at) not in "=,\"":
            at += 1
        name = name_between(&source, text, start, at)
        if at == end or at_(&source, at) != "=" or not name:
            raise MalformedMessage(f"digest parameter without a value: {text[start:start + SHOWN]!r}")
        if name in out or len(out) == MOST:
            raise MalformedMessage(f"digest parameter given twice, or one too many: {name[:SHOWN]!r}")
        at = start = past_space(&source, at + 1)
        if at < end and at_(&source, at) == "\"":
            at = start = at + 1
            escaped = False
            while at < end and at_(&source, at) != "\"":
                if at_(&source, at) == "\\":
                    escaped = True
                    at += 1
                at += 1
            if at >= end:
                raise MalformedMessage("quoted string that never closes")
            value = unquoted(text[start - 1:at + 1]) if escaped else between(&source, text, start, at)
            at = past_space(&source, at + 1)
            if at < end and at_(&source, at) != ",":
                raise MalformedMessage(f"text behind a quoted digest parameter: {text[at:at + SHOWN]!r}")
        else:
            while at < end and at_(&source, at) != ",":
                if at_(&source, at) == "\"":
                    raise MalformedMessage(f"quotes within a digest parameter: {text[start:start + SHOWN]!r}")
                at += 1
            value = between(&source, text, start, at).rstrip()
        out[name] = value


cpdef int64_t hexadecimal(str text) except? -1:
    """The number that up to eight hexadecimal digits write; -1 where they are none."""
    cdef Source source = source_of(text)
    cdef int64_t value = 0
    cdef Py_ssize_t at
    cdef uint32_t digit
    if not 0 < source.end <= 8:
        return -1
    for at in range(source.end):
        digit = at_(&source, at)
        if 48 <= digit <= 57:
            value = value << 4 | (digit - 48)
        elif 97 <= (digit | 32) <= 102:
            value = value << 4 | ((digit | 32) - 87)
        else:
            return -1
    return value


# MD5 of a line of text: the library's takes ten times as long to set up and to take down as the hash itself does.

cdef uint32_t SINES[64]
cdef int place
for place in range(64):
    SINES[place] = <uint32_t>(fabs(sin(place + 1.0)) * 4294967296.0)


cdef struct Four:  # the state of RFC 1321, 3.3
    uint32_t a, b, c, d


cdef inline uint32_t turned(uint32_t value, int by) noexcept nogil:
    return value << by | value >> (32 - by)


cdef inline uint32_t f(uint32_t x, uint32_t y, uint32_t z) noexcept nogil:
    return z ^ (x & (y ^ z))


cdef inline uint32_t h(uint32_t x, uint32_t y, uint32_t z) noexcept nogil:
    return x ^ y ^ z


cdef inline uint32_t i_(uint32_t x, uint32_t y, uint32_t z) noexcept nogil:
    return y ^ (x | ~z)


cdef void md5_block(Four* state, const uint8_t* block) noexcept nogil:
    """Take in 64 bytes (RFC 1321, 3.4); g(x, y, z) of the RFC is f(z, x, y)."""
    cdef uint32_t w[16]
    cdef uint32_t a = state.a, b = state.b, c = state.c, d = state.d
    cdef uint32_t* t = SINES
    cdef int k
    memcpy(w, block, 64)  # little-endian, as every machine that we run on
    for k in range(0, 16, 4):
        a = b + turned(a + f(b, c, d) + w[k] + t[k], 7)
        d = a + turned(d + f(a, b, c) + w[k + 1] + t[k + 1], 12)
        c = d + turned(c + f(d, a, b) + w[k + 2] + t[k + 2], 17)
        b = c + turned(b + f(c, d, a) + w[k + 3] + t[k + 3], 22)
    for k in range(16, 32, 4):
        a = b + turned(a + f(d, b, c) + w[(5 * k + 1) & 15] + t[k], 5)
        d = a + turned(d + f(c, a, b) + w[(5 * k + 6) & 15] + t[k + 1], 9)
        c = d + turned(c + f(b, d, a) + w[(5 * k + 11) & 15] + t[k + 2], 14)
        b = c + turned(b + f(a, c, d) + w[5 * k & 15] + t[k + 3], 20)
    for k in range(32, 48, 4):
        a = b + turned(a + h(b, c, d) + w[(3 * k + 5) & 15] + t[k], 4)
        d = a + turned(d + h(a, b, c) + w[(3 * k + 8) & 15] + t[k + 1], 11)
        c = d + turned(c + h(d, a, b) + w[(3 * k + 11) & 15] + t[k + 2], 16)
        b = c + turned(b + h(c, d, a) + w[(3 * k + 14) & 15] + t[k + 3], 23)
    for k in range(48, 64, 4):
        a = b + turned(a + i_(b, c, d) + w[7 * k & 15] + t[k], 6)
        d = a + turned(d + i_(a, b, c) + w[(7 * k + 7) & 15] + t[k + 1], 10)
        c = d + turned(c + i_(d, a, b) + w[(7 * k + 14) & 15] + t[k + 2], 15)
        b = c + turned(b + i_(c, d, a) + w[(7 * k + 21) & 15] + t[k + 3], 21)
    state.a += a
    state.b += b
    state.c += c
    state.d += d


cpdef str md5_hex(bytes data):
    """The MD5 of *data* as lower-case hex."""
    cdef Four state
    cdef const uint8_t* source
    cdef Py_ssize_t size = len(data), left = size & 63, padded = 64 if left < 56 else 128, i
    cdef uint64_t bits = 8 * <uint64_t>size
    cdef uint8_t last[128]
    cdef char out[32]
    source = <const uint8_t*>PyBytes_AS_STRING(data)
    state.a, state.b, state.c, state.d = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476
    for i in range(0, size - left, 64):
        md5_block(&state, source + i)
    memset(last, 0, 128)
    memcpy(last, source + size - left, left)
    last[left] = 0x80
    memcpy(last + padded - 8, &bits, 8)
    for i in range(0, padded, 64):
        md5_block(&state, last + i)
    for i in range(16):
        out[2 * i] = HEX[(<uint8_t*>&state)[i] >> 4]
        out[2 * i + 1] = HEX[(<uint8_t*>&state)[i] & 15]
    return out[:32].decode("ascii")
