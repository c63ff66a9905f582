"""One pass over the bytes of a message finds every header and checks those that RFC 3261 gives a form."""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy, memset

from opensips_py.sip cimport _names as names
from opensips_py.sip._grammar cimport (
    DIGIT, SIPS, SPACE, TOKEN, AddressSpan, UriSpan, ViaSpan, has, number, read_address, read_uri, read_via, same, skip,
    trim)
from opensips_py.sip._names cimport header_id

cdef int MAX_HEADERS = 1024


@cython.freelist(256)
cdef class Index:
    """What reading and checking a message leaves: the places of its headers, and the first fault."""

    def __cinit__(self):
        self.base = b""
        self.method = self.cseq_method = self.call_id = self.from_tag = self.to_tag = self.via_branch = ""
        self.no_start_line()
        self.slots = self.small
        self.capacity = 32
        memset(self.first, 0xFF, sizeof(self.first))
        self.forwards = self.declared_length = self.q = -1

    def __dealloc__(self):
        if self.slots != self.small:
            free(self.slots)

    # ---- reading

    cdef void fail(self, const char* why, int status) noexcept:
        if self.why == NULL:
            self.why = why
            self.why_status = status

    cdef void no_start_line(self) noexcept:
        """Let the parts of the start line be empty ones, so that whatever is built of a faulty message stays within."""
        self.method_span.start = self.method_span.end = self.uri_span.start = self.uri_span.end = self.base

    cdef int load(self, bytes data) except -1:
        """Index and check *data*; 0 where it is not SIP at all."""
        cdef const char* s = PyBytes_AS_STRING(data)
        cdef const char* e = s + PyBytes_GET_SIZE(data)
        cdef const char* q = <const char*>memchr(s, b"\n", e - s)
        if q == NULL or e - s > 0x7FFFFFF:
            return 0
        self.data, self.base, self.size = data, s, <int>(e - s)
        self.no_start_line()
        self.line_end = <int>(q + 1 - s)
        if not self.read_start_line(s, before_return(s, q)):
            return 0
        self.read_headers(q + 1, e)
        if self.declared_length == -2 or self.declared_length > self.size - self.body_offset:
            self.fail(b"body shorter than its Content-Length", 400)
        self.check_whole()
        return 1

    cdef int read_start_line(self, const char* s, const char* e) noexcept:
        cdef const char* end = trim(s, e)
        cdef const char* q
        if end - s < 10:
            return 0
        if same(s, b"sip/", 4) and has(s + 4, DIGIT):
            self.read_status_line(s, e)
            return 1
        q = end
        while q > s and not has(q - 1, SPACE):
            q -= 1
        if end - q < 7 or not same(q, b"sip/", 4) or not has(q + 4, DIGIT):
            return 0
        self.is_request = True
        self.read_request_line(s, e, q)
        return 1

    cdef void read_request_line(self, const char* s, const char* e, const char* version) noexcept:
        cdef const char* q = skip(s, e, TOKEN)
        cdef const char* r
        self.method_span.start = s
        self.method_span.end = q
        if q == s or q[0] != b" ":
            self.fail(b"malformed method", 400)
            return
        q += 1
        r = <const char*>memchr(q, b" ", e - q)
        if r == NULL:
            r = e
        self.uri_span.start = q
        self.uri_span.end = r
        if r + 1 != version or version + 7 != e:
            # RFC 4475, 3.1.2.8 to 3.1.2.10: single spaces, none at the end, none within the URI
            self.fail(b"malformed request line", 400)
        elif not same(version, b"sip/2.0", 7):
            self.fail(b"SIP version that is not 2.0", 505)
        self.check_request_uri()

    cdef void check_request_uri(self) noexcept:
        cdef UriSpan span
        cdef const char* wrong = read_uri(self.uri_span.start, self.uri_span.end, &span)
        if wrong != NULL:
            self.fail(wrong, 400)
        elif span.kind <= SIPS and span.headers.start != NULL:
            self.fail(b"Request-URI with headers", 400)  # RFC 3261, 19.1.1, table 1

    cdef void read_status_line(self, const char* s, const char* e) noexcept:
        cdef const char* q = s + 8
        if not same(s, b"sip/2.0", 7) or s[7] != b" ":
            self.fail(b"malformed status line", 0)
            return
        self.status_code = <int>number(q, skip(q, e, DIGIT), 100000)
        q = skip(q, e, DIGIT)
        if q - s != 11 or self.status_code < 100 or self.status_code > 699 or (q < e and q[0] != b" "):
            self.fail(b"status code outside of 100 to 699", 0)
            self.status_code = 0
            return
        self.reason_span.start = q + 1 if q < e else q
        self.reason_span.end = e

    cdef int read_headers(self, const char* s, const char* e) except -1:
        """Put every header into the index; a folded one is one header."""
        cdef const char* q
        cdef const char* c
        cdef Slot* slot
        while s < e:
            if s[0] == b"\n" or (s[0] == b"\r" and s + 1 < e and s[1] == b"\n"):
                self.headers_end = <int>(s - self.base)
                self.body_offset = self.headers_end + (1 if s[0] == b"\n" else 2)
                return 0
            if self.count == self.capacity and not self.grow():
                break
            q = <const char*>memchr(s, b"\n", e - s)
            while q != NULL and q + 1 < e and (q[1] == b" " or q[1] == b"\t"):
                q = <const char*>memchr(q + 1, b"\n", e - q - 1)
            if q == NULL:
                break
            slot = &self.slots[self.count]
            self.count += 1
            c = skip(s, q, TOKEN)
            slot.start = <int>(s - self.base)
            slot.name_length = <int>(c - s)
            slot.end = <int>(q + 1 - self.base)
            slot.id = header_id(s, c - s)
            while c < q and (c[0] == b" " or c[0] == b"\t"):
                c += 1
            if c[0] != b":" or not slot.name_length:
                self.fail(b"header without a name and a colon", 400)
                slot.id = 0
            else:
                c += 1
            c = skip(c, q, SPACE)
            slot.value = <int>(c - self.base)
            c = trim(c, q)
            slot.value_end = <int>(c - self.base)
            self.check_header(slot)
            s = q + 1
        self.headers_end = self.body_offset = self.size
        self.fail(b"no empty line behind the headers", 400)
        return 0

    cdef int grow(self) except -1:
        cdef Slot* grown
        if self.capacity >= MAX_HEADERS:
            self.fail(b"too many headers", 400)
            return 0
        grown = <Slot*>malloc(2 * self.capacity * sizeof(Slot))
        if grown == NULL:
            raise MemoryError
        memcpy(grown, self.slots, self.count * sizeof(Slot))
        if self.slots != self.small:
            free(self.slots)
        self.slots = grown
        self.capacity *= 2
        return 1

    # ---- checking

    cdef void check_header(self, Slot* slot) noexcept:
        """Note a header's place and check its value, if RFC 3261 gives it a form."""
        cdef const char* s = self.base + slot.value
        cdef const char* e = self.base + slot.value_end
        cdef const char* wrong = NULL
        cdef int id = slot.id
        cdef bint top = self.first[id] < 0
        if has_lone_return(s, e):
            self.fail(b"carriage return within a header", 400)
        if id == 0:
            return
        if top:
            self.first[id] = <short>(self.count - 1)
        elif (id == names.FROM or id == names.TO or id == names.CALL_ID or id == names.CSEQ
              or id == names.MAX_FORWARDS or id == names.CONTENT_LENGTH or id == names.CONTENT_TYPE):
            self.fail(b"header repeated that may stand only once", 400)
            return
        wrong = self.check_value(id, s, e, top)
        if wrong != NULL:
            self.fail(wrong, 400)

    cdef const char* check_value(self, int id, const char* s, const char* e, bint top) noexcept:
        if id == names.VIA:
            return self.check_vias(s, e, top)
        if id == names.FROM:
            return check_single_address(s, e, &self.from_span)
        if id == names.TO:
            return check_single_address(s, e, &self.to_span)
        if id == names.CSEQ:
            return self.check_cseq(s, e)
        if id == names.CALL_ID and (s == e or find_space(s, e) != NULL):
            return b"malformed Call-ID"
        if id == names.MAX_FORWARDS:
            self.forwards = <int>number(s, e, 255)
            if self.forwards < 0:
                return b"malformed Max-Forwards"
        if id == names.CONTENT_LENGTH:
            self.declared_length = <int>number(s, e, 0x7FFFFFF)
            if self.declared_length == -1:
                return b"malformed Content-Length"
        if id == names.ROUTE or id == names.RECORD_ROUTE or (id == names.CONTACT and not (e - s == 1 and s[0] == b"*")):
            return check_addresses(s, e)
        # RFC 3261, 20.17: GMT is the only time zone
        if id == names.DATE and (e - s < 5 or memcmp(e - 4, b" GMT", 4) != 0):
            return b"Date that is not in GMT"
        return NULL

    cdef const char* check_vias(self, const char* s, const char* e, bint top) noexcept:
        cdef ViaSpan span
        cdef const char* wrong
        while True:
            wrong = read_via(s, e, &span)
            if wrong != NULL:
                return wrong
            if top:
                self.via = span
                top = False
            s = span.end
            if s >= e:
                return NULL
            s += 1

    cdef const char* check_cseq(self, const char* s, const char* e) noexcept:
        cdef const char* q = skip(s, e, DIGIT)
        self.cseq = <int>number(s, q, 0x7FFFFFFF)  # RFC 3261, 8.1.1.5: less than 2**31
        self.cseq_span.start = skip(q, e, SPACE)
        self.cseq_span.end = e
        if self.cseq < 0 or self.cseq_span.start == q or skip(self.cseq_span.start, e, TOKEN) != e:
            self.cseq = 0
            return b"malformed CSeq"
        if self.cseq_span.start == e:
            return b"CSeq without a method"
        return NULL

    cdef void check_whole(self) noexcept:
        """What no header tells alone: the mandatory ones, and the method in CSeq."""
        if self.first[<int>names.VIA] < 0:
            self.fail(b"no Via", 0)
        if self.first[<int>names.FROM] < 0 or self.first[<int>names.TO] < 0:
            self.fail(b"no From or no To", 400)
        if self.first[<int>names.CALL_ID] < 0 or self.first[<int>names.CSEQ] < 0:
            self.fail(b"no Call-ID or no CSeq", 400)
        cdef Py_ssize_t n = self.method_span.end - self.method_span.start
        if self.is_request and self.why == NULL and (
                self.cseq_span.end - self.cseq_span.start != n
                or memcmp(self.cseq_span.start, self.method_span.start, n) != 0):
            self.fail(b"method in CSeq that is not the request's", 400)
        if not self.is_request or self.first[<int>names.VIA] < 0 or (
                n == 3 and memcmp(self.method_span.start, b"ACK", 3) == 0):
            self.why_status = 0  # never answered: responses, ACK, and what has no Via to answer to


cdef inline const char* before_return(const char* s, const char* q) noexcept nogil:
    if q > s and (q - 1)[0] == b"\r":
        return q - 1
    return q


cdef bint has_lone_return(const char* s, const char* e) noexcept nogil:
    """Whether there is a CR without LF, which some read as a line end and others do not."""
    s = <const char*>memchr(s, b"\r", e - s)
    while s != NULL:
        if s[1] != b"\n":
            return True
        s = <const char*>memchr(s + 1, b"\r", e - s - 1)
    return False


cdef const char* find_space(const char* s, const char* e) noexcept nogil:
    while s < e:
        if has(s, SPACE):
            return s
        s += 1
    return NULL


cdef const char* check_single_address(const char* s, const char* e, AddressSpan* out) noexcept nogil:
    cdef const char* wrong = read_address(s, e, out)
    if wrong == NULL and out.end != e:
        wrong = b"comma in an address that stands alone"
    if wrong != NULL:
        memset(out, 0, sizeof(AddressSpan))
    return wrong


cdef const char* check_addresses(const char* s, const char* e) noexcept nogil:
    cdef AddressSpan span
    cdef const char* wrong
    while True:
        wrong = read_address(s, e, &span)
        if wrong != NULL:
            return wrong
        if span.end >= e:
            return NULL
        s = span.end + 1
