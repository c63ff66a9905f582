"""The readers of single values: each takes the bytes from s up to e and answers NULL, or what is wrong with them."""
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memchr, memcmp, memcpy, memset

cdef extern from "Python.h":
    int PyUnicode_IS_COMPACT_ASCII(object)
    void* PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)


cdef const char* quoted_end(const char* s, const char* e) noexcept nogil:
    """Behind the closing quote of the quoted string that opens at s; NULL where it never closes."""
    s += 1
    while s < e:
        if s[0] == b'"':
            return s + 1
        s += 2 if s[0] == b"\\" else 1
    return NULL


cdef const char* next_parameter(const char* s, const char* e, Parameter* out) noexcept nogil:
    """Read the parameter behind the semicolon at s; its end (a semicolon, a comma or e), NULL where it is malformed."""
    s = skip(s + 1, e, SPACE)
    out.name.start = s
    s = skip(s, e, TOKEN)
    if s == out.name.start:
        return NULL
    out.name.end = s
    out.value.start = out.value.end = NULL
    s = skip(s, e, SPACE)
    if s < e and s[0] == b"=":
        s = skip(s + 1, e, SPACE)
        out.value.start = s
        if s < e and s[0] == b'"':
            s = quoted_end(s, e)
            if s == NULL:
                return NULL
        else:
            s = skip(s, e, VALUE)
            if s == out.value.start:
                return NULL
        out.value.end = s
        s = skip(s, e, SPACE)
    if s < e and s[0] != b";" and s[0] != b",":
        return NULL
    return s


cdef long long number(const char* s, const char* e, long long limit) noexcept nogil:
    """The digits s..e as a number: -1 where there is anything else or nothing, -2 over the limit."""
    cdef long long n = 0
    if s >= e:
        return -1
    while s < e:
        if not has(s, DIGIT):
            return -1
        if n <= limit:
            n = n * 10 + (s[0] - 48)
        s += 1
    return n if n <= limit else -2


cdef const char* read_host(const char* s, const char* e, Span* host) noexcept nogil:
    """Behind the host name, IPv4 address or bracketed IPv6 reference at s; NULL where there is none."""
    host.start = s
    if s < e and s[0] == b"[":
        s += 1
        # RFC 5118, 4.10: three colons in a row are an old error of the grammar and are tolerated
        while s < e and (has(s, HEX) or s[0] == b":" or s[0] == b"."):
            s += 1
        if s >= e or s[0] != b"]" or s < host.start + 3:
            return NULL
        s += 1
    else:
        s = skip(s, e, HOST)
        if s == host.start:
            return NULL
    host.end = s
    return s


cdef const char* read_port(const char* s, const char* e, int* port) noexcept nogil:
    """Behind the digits at s; NULL where they are no port."""
    cdef const char* start = s
    s = skip(s, e, DIGIT)
    port[0] = <int>number(start, s, 65535)
    if port[0] < 0:
        return NULL
    return s


cdef const char* read_uri(const char* s, const char* e, UriSpan* out) noexcept nogil:
    """Read a whole URI."""
    cdef const char* q
    memset(out, 0, sizeof(UriSpan))
    q = s
    while q < e and has(q, TOKEN) and q[0] != b"%":
        q += 1
    if q == s or q >= e or q[0] != b":" or not (b"a" <= (s[0] | 0x20) <= b"z"):
        return b"URI without a scheme"
    out.scheme.start = s
    out.scheme.end = q
    out.kind = OTHER
    if q - s == 3:
        if same(s, b"sip", 3):
            out.kind = SIP
        elif same(s, b"tel", 3):
            out.kind = TEL
    elif q - s == 4 and same(s, b"sips", 4):
        out.kind = SIPS
    s = q + 1
    if skip(s, e, URI) != e:
        return b"character that a URI cannot hold"
    if out.kind <= SIPS:
        return read_sip_uri(s, e, out)
    if s == e:
        return b"URI with nothing behind its scheme"
    q = e
    if out.kind == TEL:
        q = <const char*>memchr(s, b";", e - s)
        if q == NULL:
            q = e
        else:
            out.parameters.start = q + 1
            out.parameters.end = e
    out.user.start = s
    out.user.end = q
    return NULL


cdef const char* read_sip_uri(const char* s, const char* e, UriSpan* out) noexcept nogil:
    """Read what stands behind sip: or sips: (RFC 3261, 19.1.1)."""
    cdef const char* q = <const char*>memchr(s, b"@", e - s)
    if q != NULL:
        # RFC 4475, 3.1.1.9: everything before the @ is the user, semicolons and question marks too
        out.user.start = s
        out.user.end = q
        s = <const char*>memchr(s, b":", q - s)
        if s != NULL:
            out.user.end = s
            out.password.start = s + 1
            out.password.end = q
        if out.user.end == out.user.start:
            return b"URI with an empty user"
        s = q + 1
    s = read_host(s, e, &out.host)
    if s == NULL:
        return b"URI without a host"
    if s < e and s[0] == b":":
        s = read_port(s + 1, e, &out.port)
        if s == NULL:
            return b"URI with a port that is no number"
    if s < e and s[0] == b";":
        out.parameters.start = s + 1
        s = <const char*>memchr(s, b"?", e - s)
        if s == NULL:
            s = e
        out.parameters.end = s
    if s < e and s[0] == b"?":
        out.headers.start = s + 1
        out.headers.end = s = e
    if s != e:
        return b"character that a host cannot hold"
    return NULL


cdef const char* read_address(const char* s, const char* e, AddressSpan* out) noexcept nogil:
    """Read a name-addr or addr-spec with its parameters, up to a comma or the end."""
    cdef const char* q
    cdef bint bare = False
    memset(out, 0, sizeof(AddressSpan))
    out.end = e
    s = skip(s, e, SPACE)
    q = s
    if s < e and s[0] == b'"':
        q = quoted_end(s, e)
        if q == NULL:
            return b"quoted string that never closes"
        out.display.start = s
        out.display.end = q
        q = skip(q, e, SPACE)
        if q >= e or q[0] != b"<":
            return b"display name without a URI in <>"
    else:
        q = skip(s, e, WORDS)
        if q < e and q[0] == b"<":
            if trim(s, q) > s:
                out.display.start = s
                out.display.end = trim(s, q)
        else:
            bare = True
    if bare:
        # RFC 3261, 20.10: a URI with a comma, question mark or semicolon must stand in <>, so these end it here
        out.uri.start = s
        while s < e and has(s, URI) and s[0] != b";" and s[0] != b"," and s[0] != b"?":
            s += 1
        out.uri.end = s
        if s < e and s[0] == b"?":
            return b"URI with headers outside of <>"
    else:
        s = q + 1
        out.uri.start = s
        s = skip(s, e, URI)
        out.uri.end = s
        if s >= e or s[0] != b">":
            return b"URI that does not end with >"
        s += 1
    q = out.uri.start
    if q == out.uri.end or not (b"a" <= (q[0] | 0x20) <= b"z"):
        return b"address without a URI"
    while q < out.uri.end and has(q, TOKEN):
        q += 1
    if q == out.uri.end or q[0] != b":":
        return b"URI without a scheme"
    return read_address_parameters(skip(s, e, SPACE), e, out)


cdef const char* read_address_parameters(const char* s, const char* e, AddressSpan* out) noexcept nogil:
    cdef Parameter p
    if s < e and s[0] != b";" and s[0] != b",":
        return b"text behind an address that is no parameter"
    if s < e and s[0] == b";":
        out.parameters.start = skip(s + 1, e, SPACE)
    while s < e and s[0] == b";":
        s = next_parameter(s, e, &p)
        if s == NULL:
            return b"malformed parameter of an address"
        if out.tag.start == NULL and p.name.end - p.name.start == 3 and same(p.name.start, b"tag", 3):
            out.tag = p.value
    if out.parameters.start != NULL:
        out.parameters.end = trim(out.parameters.start, s)
    out.end = s
    return NULL


cdef inline const char* read_slash(const char* s, const char* e) noexcept nogil:
    s = skip(s, e, SPACE)
    if s >= e or s[0] != b"/":
        return NULL
    return skip(s + 1, e, SPACE)


cdef const char* read_via(const char* s, const char* e, ViaSpan* out) noexcept nogil:
    """Read one Via value, up to a comma or the end."""
    cdef const char* q
    memset(out, 0, sizeof(ViaSpan))
    out.rport = -1
    out.end = e
    s = skip(s, e, SPACE)
    if e - s > 8 and memcmp(s, b"SIP/2.0/", 8) == 0:
        s += 8
    else:
        s = read_slash(skip(s, e, TOKEN), e)
        if s != NULL:
            s = read_slash(skip(s, e, TOKEN), e)
        if s == NULL:
            return b"Via without a protocol"
    out.transport.start = s
    s = skip(s, e, TOKEN)
    out.transport.end = s
    q = skip(s, e, SPACE)
    if q == s or s == out.transport.start:
        return b"Via without a transport"
    s = read_host(q, e, &out.host)
    if s == NULL:
        return b"Via without a host"
    out.host_end = s
    q = skip(s, e, SPACE)
    if q < e and q[0] == b":":
        q = read_port(skip(q + 1, e, SPACE), e, &out.port)
        if q == NULL:
            return b"Via with a port that is no number"
        out.host_end = q
        q = skip(q, e, SPACE)
    if q < e and q[0] != b";" and q[0] != b",":
        return b"text behind the host of a Via"
    return read_via_parameters(q, e, out)


cdef const char* read_via_parameters(const char* s, const char* e, ViaSpan* out) noexcept nogil:
    cdef Parameter p
    cdef Py_ssize_t n
    cdef const char* start
    if s < e and s[0] == b";":
        out.parameters.start = skip(s + 1, e, SPACE)
    while s < e and s[0] == b";":
        start = s
        s = next_parameter(s, e, &p)
        if s == NULL:
            return b"malformed parameter of a Via"
        n = p.name.end - p.name.start
        if n == 6 and out.branch.start == NULL and same(p.name.start, b"branch", 6):
            out.branch = p.value
        elif n == 5 and out.rport < 0 and same(p.name.start, b"rport", 5):
            out.rport = 0
            out.rport_parameter.start = p.name.start
            out.rport_parameter.end = trim(p.name.start, s)
            if p.value.start != NULL:
                out.rport = <int>number(p.value.start, p.value.end, 65535)
                if out.rport < 0:
                    return b"Via with an rport that is no number"
        elif n == 8 and out.received.start == NULL and same(p.name.start, b"received", 8):
            out.received = p.value
            out.received_parameter.start = start
            out.received_parameter.end = trim(start, s)
    if out.parameters.start != NULL:
        out.parameters.end = trim(out.parameters.start, s)
    out.end = s
    return NULL


cdef const char* value_end(const char* s, const char* e) noexcept nogil:
    """The comma that ends the value at s, or e; commas within quotes and <> do not count."""
    cdef bint angled = False
    cdef const char* q
    while s < e:
        if s[0] == b'"':
            q = quoted_end(s, e)
            s = e if q == NULL else q
            continue
        if s[0] == b"," and not angled:
            return s
        if s[0] == b"<":
            angled = True
        elif s[0] == b">":
            angled = False
        s += 1
    return e


cdef inline bint is_ascii(const char* s, Py_ssize_t n) noexcept nogil:
    cdef unsigned long long eight
    while n >= 8:
        memcpy(&eight, s, 8)
        if eight & 0x8080808080808080ULL:
            return False
        s += 8
        n -= 8
    while n > 0:
        if s[0] & 0x80:
            return False
        s += 1
        n -= 1
    return True


cdef inline str decode(const char* s, Py_ssize_t n):
    """n bytes as text; of ASCII, as nearly everything is, that is a mere copy."""
    cdef str found
    if not is_ascii(s, n):
        return PyUnicode_DecodeUTF8(s, n, "surrogateescape")
    found = PyUnicode_New(n, 127)
    memcpy(PyUnicode_DATA(found), s, n)
    return found


cdef str text(const char* s, const char* e):
    if s == NULL or s >= e:
        return ""
    return decode(s, e - s)


cdef str unfold(const char* s, const char* e):
    """The text s..e with every line fold as one space (RFC 3261, 7.3.1)."""
    if s == NULL or s >= e:
        return ""
    if memchr(s, b"\n", e - s) == NULL:
        return decode(s, e - s)
    lines = s[:e - s].replace(b"\r\n", b"\n").split(b"\n")
    return b" ".join([line.strip(b" \t") for line in lines]).strip().decode("utf-8", "surrogateescape")


cdef str method_name(const char* s, const char* e):
    """The method as a string; the usual ones are made once."""
    cdef Py_ssize_t n = e - s
    if n == 6 and memcmp(s, b"INVITE", 6) == 0:
        return "INVITE"
    if n == 3 and memcmp(s, b"ACK", 3) == 0:
        return "ACK"
    if n == 3 and memcmp(s, b"BYE", 3) == 0:
        return "BYE"
    if n == 8 and memcmp(s, b"REGISTER", 8) == 0:
        return "REGISTER"
    if n == 7 and memcmp(s, b"OPTIONS", 7) == 0:
        return "OPTIONS"
    if n == 6 and memcmp(s, b"CANCEL", 6) == 0:
        return "CANCEL"
    return text(s, e)


cdef bytes encode(object value):
    """Text as it goes on the wire; bytes stay as they are."""
    if type(value) is bytes:
        return <bytes>value
    if type(value) is str and PyUnicode_IS_COMPACT_ASCII(value):
        return PyBytes_FromStringAndSize(<const char*>PyUnicode_DATA(value), PyUnicode_GET_LENGTH(value))
    return (<str?>value).encode("utf-8", "surrogateescape")
