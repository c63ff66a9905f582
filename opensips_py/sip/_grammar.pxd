"""The grammar of RFC 3261, 25 in C: character classes, spans and the readers of single values."""

from libc.string cimport memcpy

cdef extern from * nogil:
    """
    /* The class bits of each character; the enum below names them. */
    static const unsigned char sip_class[256] = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 130, 130, 0, 0, 130, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        130, 209, 0, 80, 80, 209, 80, 209, 80, 80, 209, 209, 16, 217, 217, 80,
        253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 80, 16, 0, 80, 0, 80,
        80, 249, 249, 249, 249, 249, 249, 217, 217, 217, 217, 217, 217, 217, 217, 217,
        217, 217, 217, 217, 217, 217, 217, 217, 217, 217, 217, 80, 80, 80, 80, 217,
        209, 249, 249, 249, 249, 249, 249, 217, 217, 217, 217, 217, 217, 217, 217, 217,
        217, 217, 217, 217, 217, 217, 217, 217, 217, 217, 217, 80, 80, 80, 209, 0,
        208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208,
        208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208,
        208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208,
        208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208,
        208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208,
        208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208,
        208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208,
        208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208, 208,
    };
    """
    const unsigned char sip_class[256]

cdef enum:
    TOKEN = 1    # token of RFC 3261, 25.1
    SPACE = 2    # LWS; line ends count, as the lines of a folded header have been joined before
    DIGIT = 4
    HOST = 8     # letters, digits, dash, dot, and the underscore that many names have
    URI = 16     # whatever may stand in a URI, taken widely
    HEX = 32
    VALUE = 64   # parameter value without quotes
    WORDS = 128  # display name without quotes: tokens and LWS; bytes over 127 are tolerated

cdef inline bint has(const char* s, int classes) noexcept nogil:
    return (sip_class[<unsigned char>s[0]] & classes) != 0

cdef inline const char* skip(const char* s, const char* e, int classes) noexcept nogil:
    while s < e and has(s, classes):
        s += 1
    return s

cdef inline const char* trim(const char* s, const char* e) noexcept nogil:
    """End of s..e without the white space behind it."""
    while e > s and has(e - 1, SPACE):
        e -= 1
    return e

cdef inline bint same(const char* s, const char* lower, Py_ssize_t n) noexcept nogil:
    """Compare with a lower-case text of letters, digits and dashes."""
    cdef Py_ssize_t i
    for i in range(n):
        if (s[i] | 0x20) != lower[i]:
            return False
    return True

cdef struct Span:
    const char* start  # NULL: absent
    const char* end

cdef enum Scheme:
    SIP, SIPS, TEL, OTHER

cdef struct UriSpan:
    Scheme kind
    Span scheme
    Span user
    Span password
    Span host
    Span parameters
    Span headers
    int port  # 0: absent

cdef struct AddressSpan:
    Span display
    Span uri
    Span parameters  # behind the first semicolon
    Span tag
    const char* end  # where the value ends: at a comma or at the end of the header

cdef struct ViaSpan:
    Span transport
    Span host
    Span parameters
    Span branch
    Span received
    Span received_parameter  # with its semicolon
    Span rport_parameter  # without
    const char* host_end  # behind the port
    const char* end
    int port  # 0: absent
    int rport  # -1: absent, 0: asked for

cdef struct Parameter:
    Span name
    Span value

cdef const char* quoted_end(const char* s, const char* e) noexcept nogil
cdef const char* next_parameter(const char* s, const char* e, Parameter* out) noexcept nogil
cdef long long number(const char* s, const char* e, long long limit) noexcept nogil
cdef const char* read_uri(const char* s, const char* e, UriSpan* out) noexcept nogil
cdef const char* read_address(const char* s, const char* e, AddressSpan* out) noexcept nogil
cdef const char* read_via(const char* s, const char* e, ViaSpan* out) noexcept nogil
cdef const char* value_end(const char* s, const char* e) noexcept nogil
cdef str text(const char* s, const char* e)
cdef str unfold(const char* s, const char* e)
cdef str method_name(const char* s, const char* e)
cdef bytes encode(object value)


cdef inline int put_number(char* out, unsigned long long value) noexcept nogil:
    """Write *value* in decimal; how many digits. A tenth of what snprintf takes, and every response has three of them."""
    cdef char digits[20]
    cdef int n = 0, i
    while True:
        digits[n] = <char>(48 + value % 10)
        n += 1
        value = value // 10
        if not value:
            break
    for i in range(n):
        out[i] = digits[n - 1 - i]
    return n


cdef inline int put_text(char* out, const char* text, int size) noexcept nogil:
    """Write the *size* characters of *text*; how many they are."""
    memcpy(out, text, size)
    return size


cdef inline int put_address(char* out, unsigned int ip) noexcept nogil:
    """Write an IPv4 address; how many characters it has."""
    cdef int n = put_number(out, ip >> 24), shift
    for shift in range(16, -8, -8):
        out[n] = b"."
        n += 1 + put_number(out + n + 1, (ip >> shift) & 255)
    return n
