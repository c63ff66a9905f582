"""Cutting a byte stream into messages (RFC 3261, 18.3) and counting its keep-alives (RFC 5626, 4.4.1)."""
cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memchr

from opensips_py.sip cimport _names as names
from opensips_py.sip._grammar cimport SPACE, TOKEN, number, same, skip, trim
from opensips_py.sip._names cimport header_id

from opensips_py.errors import MalformedMessage

cdef int NOT_YET = -1, BROKEN = -2


@cython.final
cdef class Framer:
    """Turns what a stream delivers into whole messages, wherever it was cut.

    *pings* counts double CRLFs, each to be answered with one CRLF; the reader sets it back to 0. *pending* is the
    number of bytes that wait for their rest, *since* the time (as given to ``feed``) from which they wait.
    When the stream cannot be followed further, *fault* says why, and ``feed`` raises MalformedMessage as soon as it has
    no message left to give: the connection is then to be closed.
    """

    cdef readonly int max_message, max_headers
    cdef public int pings
    cdef readonly double since
    cdef readonly str fault
    cdef int fault_status
    cdef bytearray buffer  # the beginning of an incomplete message
    cdef Py_ssize_t searched  # how much of it holds no end of headers
    cdef Py_ssize_t needed  # its whole length, once known
    cdef bint line_checked
    cdef int line_ends  # CRLFs in a row before a message

    def __init__(self, int max_message=262144, int max_headers=32768):
        self.max_message, self.max_headers = max_message, max_headers
        self.buffer = bytearray()
        self.needed = NOT_YET

    @property
    def pending(self):
        """Bytes of an incomplete message."""
        return len(self.buffer)

    def feed(self, bytes data not None, double now=0.0):
        """The messages that *data* completes; MalformedMessage where the stream cannot be followed."""
        cdef list out = []
        cdef const char* s
        cdef Py_ssize_t size, position = 0
        cdef bint buffered = len(self.buffer) > 0
        if self.fault is None:
            if buffered:
                self.buffer.extend(data)
                s, size = PyByteArray_AS_STRING(self.buffer), len(self.buffer)
            else:
                s, size = PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
            position = self.cut(s, size, out)
            self.keep(s, size, position, buffered, now)
        if self.fault is not None and not out:
            raise MalformedMessage(self.fault, self.fault_status)
        return out

    cdef int keep(self, const char* s, Py_ssize_t size, Py_ssize_t position, bint buffered, double now) except -1:
        """Hold back what is incomplete."""
        if position == size or self.fault is not None:
            if buffered:
                self.buffer = bytearray()
        elif not buffered or position:
            self.buffer = bytearray(s[position:size])
            self.since = now
        return 0

    cdef Py_ssize_t cut(self, const char* s, Py_ssize_t size, list out) except -1:
        """Take whole messages off the front; answers where the incomplete one begins."""
        cdef Py_ssize_t position = 0
        while position < size and self.fault is None:
            if not self.searched and self.needed == NOT_YET:
                position = self.skip_line_ends(s, position, size)
                if position == size:
                    break
            if self.needed == NOT_YET:
                self.find_length(s + position, size - position)
            if self.needed == NOT_YET or self.needed > size - position:
                break
            if self.needed > 0:
                out.append(PyBytes_FromStringAndSize(s + position, self.needed))
                position += self.needed
            self.searched = 0
            self.needed = NOT_YET
            self.line_checked = False
        return position

    cdef Py_ssize_t skip_line_ends(self, const char* s, Py_ssize_t position, Py_ssize_t size) noexcept:
        while position < size and (s[position] == b"\r" or s[position] == b"\n"):
            if s[position] == b"\n":
                self.line_ends += 1
                if self.line_ends == 2:
                    self.pings += 1
                    self.line_ends = 0
            position += 1
        if position < size:
            self.line_ends = 0
        return position

    cdef int fail(self, str why, int status=400) except -1:
        self.fault = why
        self.fault_status = status
        return 0

    cdef int find_length(self, const char* s, Py_ssize_t size) except -1:
        """Look for the end of the headers and for the length of the whole message."""
        cdef const char* e = s + size
        cdef const char* q = <const char*>memchr(s + self.searched, b"\n", size - self.searched)
        while q != NULL:
            if not self.line_checked:
                if not is_start_line(s, q):
                    self.fail("not SIP", 0)
                    return 0
                self.line_checked = True
            if q + 1 < e and q[1] == b"\n":
                return self.headers_end(s, q + 2)
            if q + 2 < e and q[1] == b"\r" and q[2] == b"\n":
                return self.headers_end(s, q + 3)
            if q + 2 >= e:
                self.searched = q - s  # the empty line may be cut: look at this line end again
                break
            self.searched = q + 1 - s
            q = <const char*>memchr(q + 1, b"\n", e - q - 1)
        if self.searched == 0:
            self.searched = 1  # a message has begun: line ends are no keep-alives any more
        if size > self.max_headers:
            self.fail("headers longer than allowed", 513)
        return 0

    cdef int headers_end(self, const char* s, const char* end) except -1:
        cdef long long length = declared_length(s, end)
        if end - s > self.max_headers:
            self.fail("headers longer than allowed", 513)
        elif length < 0:
            # RFC 4475, 3.1.2.3 and 3.3.9: answered with 400, then nobody knows where the next message begins
            self.fail("no length that can be trusted")
            self.needed = end - s
        elif end - s + length > self.max_message:
            self.fail("message longer than allowed", 513)
        else:
            self.needed = end - s + <Py_ssize_t>length
        return 0


cdef bint is_start_line(const char* s, const char* e) noexcept nogil:
    """Whether a line may begin or end with a SIP version; what else is wrong with it, scanning tells."""
    if e - s >= 10 and same(s, b"sip/", 4):
        return True
    while e - s >= 8:
        if (s[0] == b" " or s[0] == b"\t") and same(s + 1, b"sip/", 4):
            return True
        s += 1
    return False


cdef long long declared_length(const char* s, const char* end) noexcept nogil:
    """Content-Length of the headers s..end; 0 where there is none, negative where it is malformed or repeated."""
    cdef long long found = -1
    cdef const char* q = <const char*>memchr(s, b"\n", end - s)
    cdef const char* c
    s = q + 1
    while s < end:
        q = <const char*>memchr(s, b"\n", end - s)
        while q != NULL and q + 1 < end and (q[1] == b" " or q[1] == b"\t"):
            q = <const char*>memchr(q + 1, b"\n", end - q - 1)
        if q == NULL:
            break
        c = skip(s, q, TOKEN)
        if header_id(s, c - s) == names.CONTENT_LENGTH:
            while c < q and (c[0] == b" " or c[0] == b"\t"):
                c += 1
            if c[0] != b":" or found >= 0:
                return -1
            c = skip(c + 1, q, SPACE)
            found = number(c, trim(c, q), 0x7FFFFFF)
            if found < 0:
                return found
        s = q + 1
    return found if found >= 0 else 0
