"""What every request with credentials costs: reading their parameters (RFC 7235, 2.1), and MD5 (RFC 1321)."""
from cpython.bytes cimport PyBytes_AS_STRING
from libc.math cimport fabs, sin
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from opensips_py.sip._grammar cimport encode, same

from hmac import compare_digest

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
    SHORT = 1024  # bytes that are hashed without being copied twice

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


cdef Py_ssize_t behind_scheme(str value) except -2:
    """Where the scheme Digest of a header's value ends; -1 where there is another scheme."""
    cdef Source source = source_of(value)
    cdef Py_ssize_t at = past_space(&source, 0) + 6
    return -1 if not is_digest(value) or at < source.end and not at_(&source, at).isspace() else at


cpdef dict digest_parameters(str value):
    """What stands behind the scheme Digest; nothing where there is another scheme."""
    cdef Py_ssize_t at = behind_scheme(value)
    return {} if at < 0 else parse_parameters(value, at)


cdef str between(Source* source, str text, Py_ssize_t start, Py_ssize_t end):
    """The characters from *start* up to *end*."""
    if not source.is_ascii:
        return text[start:end]
    cdef str part = PyUnicode_New(end - start, 127)
    memcpy(PyUnicode_DATA(part), <const char*>source.data + start, end - start)
    return part


cdef tuple FIELDS = ("username", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce", "opaque")
cdef enum:
    RESPONSE = 4  # its place in FIELDS
    FIELD_COUNT = 10


cdef struct Pair:  # the places of one parameter
    Py_ssize_t name, name_end, value, value_end
    bint escaped


cdef int field_of(const char* s, Py_ssize_t n) noexcept:
    """The place in FIELDS of a name in any case; -1 for another name."""
    if n == 8:
        return 0 if same(s, b"username", 8) else RESPONSE if same(s, b"response", 8) else -1
    if n == 5:
        return 1 if same(s, b"realm", 5) else 2 if same(s, b"nonce", 5) else -1
    if n == 3:
        return 3 if same(s, b"uri", 3) else 6 if same(s, b"qop", 3) else -1
    if n == 6:
        return 8 if same(s, b"cnonce", 6) else 9 if same(s, b"opaque", 6) else -1
    if n == 9:
        return 5 if same(s, b"algorithm", 9) else -1
    return 7 if n == 2 and same(s, b"nc", 2) else -1


cdef str name_of(Source* source, str text, Pair* pair):
    """The name of a parameter in lower case; the usual ones are made once."""
    cdef int field = -1
    if source.is_ascii:
        field = field_of(<const char*>source.data + pair.name, pair.name_end - pair.name)
    return <str>FIELDS[field] if field >= 0 else text[pair.name:pair.name_end].lower()


cdef str value_of(Source* source, str text, Pair* pair):
    """The value of a parameter, without quotes; the usual ones are made once."""
    cdef Py_ssize_t n = pair.value_end - pair.value
    cdef const char* s
    if pair.escaped:
        return unquoted(text[pair.value - 1:pair.value_end + 1])
    if source.is_ascii:
        s = <const char*>source.data + pair.value
        if n == 4 and memcmp(s, b"auth", 4) == 0:
            return "auth"
        if n == 3 and memcmp(s, b"MD5", 3) == 0:
            return "MD5"
        if n == 8 and memcmp(s, b"00000001", 8) == 0:
            return "00000001"
    return between(source, text, pair.value, pair.value_end)


cdef bint next_pair(Source* source, str text, Py_ssize_t* place, Pair* pair) except -1:
    """Read the parameter from *place* on, and move that behind it; False where there is none."""
    cdef Py_ssize_t at = place[0], end = source.end
    while at < end and at_(source, at) in " \t\r\n,":
        at += 1
    if at == end:
        return False
    pair.name = at
    while at < end and at_(source, at) not in "=,\"":
        at += 1
    pair.name_end = at
    while pair.name_end > pair.name and at_(source, pair.name_end - 1) in " \t\r\n":
        pair.name_end -= 1
    if at == end or at_(source, at) != "=" or pair.name_end == pair.name:
        raise MalformedMessage(f"digest parameter without a value: {text[pair.name:pair.name + SHOWN]!r}")
    at = past_space(source, at + 1)
    pair.escaped = False
    if at < end and at_(source, at) == "\"":
        place[0] = read_quoted(source, text, at + 1, pair)
        return True
    pair.value = at
    while at < end and at_(source, at) != ",":
        if at_(source, at) == "\"":
            raise MalformedMessage(f"quotes within a digest parameter: {text[pair.value:pair.value + SHOWN]!r}")
        at += 1
    pair.value_end = place[0] = at
    while pair.value_end > pair.value and at_(source, pair.value_end - 1).isspace():
        pair.value_end -= 1
    return True


cdef Py_ssize_t read_quoted(Source* source, str text, Py_ssize_t at, Pair* pair) except -1:
    """Read the quoted string whose text begins at *at*; what stands behind it."""
    cdef Py_ssize_t end = source.end
    pair.value = at
    while at < end and at_(source, at) != "\"":
        if at_(source, at) == "\\":
            pair.escaped = True
            at += 1
        at += 1
    if at >= end:
        raise MalformedMessage("quoted string that never closes")
    pair.value_end = at
    at = past_space(source, at + 1)
    if at < end and at_(source, at) != ",":
        raise MalformedMessage(f"text behind a quoted digest parameter: {text[at:at + SHOWN]!r}")
    return at


cdef object one_too_many(str name):
    return MalformedMessage(f"digest parameter given twice, or one too many: {name[:SHOWN]!r}")


cpdef dict parse_parameters(str text, Py_ssize_t at=0):
    """The comma-separated ``name=value`` pairs of a challenge or of credentials, names in lower case."""
    cdef dict out = {}
    cdef Source source = source_of(text)
    cdef Pair pair
    cdef str name
    while next_pair(&source, text, &at, &pair):
        name = name_of(&source, text, &pair)
        if name in out or len(out) == MOST:
            raise one_too_many(name)
        out[name] = value_of(&source, text, &pair)
    return out


cpdef list credential_values(str value):
    """What credentials say: username, realm, nonce, uri, response (in lower case), algorithm, qop, nc, cnonce and
    opaque, None for what is missing. As digest_parameters(), for the header of every request that is let in."""
    cdef Source source = source_of(value)
    cdef Pair pair
    cdef list found
    cdef set others = None
    cdef int field, count = 0
    cdef str name
    cdef Py_ssize_t at
    if not source.is_ascii:
        given = digest_parameters(value)
        found = [given.get(each) for each in FIELDS]
    else:
        found = [None] * FIELD_COUNT
        at = behind_scheme(value)
        if at < 0:
            return found
        while next_pair(&source, value, &at, &pair):
            field = field_of(<const char*>source.data + pair.name, pair.name_end - pair.name)
            if field < 0:
                others = others or set()
                name = name_of(&source, value, &pair)
                if name in others or count == MOST:
                    raise one_too_many(name)
                others.add(name)
            elif found[field] is not None or count == MOST:
                raise one_too_many(<str>FIELDS[field])
            else:
                found[field] = value_of(&source, value, &pair)
            count += 1
    if found[RESPONSE] is not None and not is_lower(<str>found[RESPONSE]):
        found[RESPONSE] = (<str>found[RESPONSE]).lower()
    return found


cdef bint is_lower(str text) except -1:
    """Whether *text* is the same in lower case, as far as that is seen at once."""
    cdef Source source = source_of(text)
    cdef Py_ssize_t at
    if not source.is_ascii:
        return False
    for at in range(source.end):
        if 65 <= at_(&source, at) <= 90:
            return False
    return True


cpdef bint equal_texts(str one, str other) except -1:
    """Whether both are the same, found out in a time that does not depend on where they differ."""
    cdef Source a = source_of(one), b = source_of(other)
    cdef Py_ssize_t at
    cdef int different = 0
    if not a.is_ascii or not b.is_ascii:
        return compare_digest(encode(one), encode(other))
    if a.end != b.end:
        return False
    for at in range(a.end):
        different |= (<const char*>a.data)[at] ^ (<const char*>b.data)[at]
    return different == 0


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


cdef str hex_of(Four* state):
    """The hash in lower-case hex."""
    cdef str text = PyUnicode_New(32, 127)
    cdef char* out = <char*>PyUnicode_DATA(text)
    cdef int i
    for i in range(16):
        out[2 * i] = HEX[(<uint8_t*>state)[i] >> 4]
        out[2 * i + 1] = HEX[(<uint8_t*>state)[i] & 15]
    return text


cdef Four begun() noexcept:
    cdef Four state
    state.a, state.b, state.c, state.d = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476
    return state


cdef Py_ssize_t pad(uint8_t* last, Py_ssize_t left, uint64_t size) noexcept:
    """Fill up the *left* last ones of *size* bytes (RFC 1321, 3.1 and 3.2); how many they are then."""
    cdef Py_ssize_t padded = (left + 72) & ~63
    cdef uint64_t bits = 8 * size
    memset(last + left, 0, padded - left)
    last[left] = 0x80
    memcpy(last + padded - 8, &bits, 8)
    return padded


cpdef str md5_hex(bytes data):
    """The MD5 of *data* as lower-case hex."""
    cdef Four state = begun()
    cdef const uint8_t* source
    cdef Py_ssize_t size = len(data), left = size & 63, i
    cdef uint8_t last[128]
    source = <const uint8_t*>PyBytes_AS_STRING(data)
    for i in range(0, size - left, 64):
        md5_block(&state, source + i)
    memcpy(last, source + size - left, left)
    for i in range(0, pad(last, left, size), 64):
        md5_block(&state, last + i)
    return hex_of(&state)


cpdef str md5_joined(tuple texts):
    """The MD5 of *texts* with colons between them, as lower-case hex."""
    cdef Four state = begun()
    cdef Source source
    cdef uint8_t all[SHORT + 72]
    cdef Py_ssize_t size = 0, i
    for text in texts:
        source = source_of(text)
        if not source.is_ascii or size + source.end >= SHORT:
            return md5_hex(encode(":".join(texts)))
        memcpy(all + size, source.data, source.end)
        size += source.end
        all[size] = b":"
        size += 1
    size -= 1
    for i in range(0, pad(all, size, size), 64):
        md5_block(&state, all + i)
    return hex_of(&state)
