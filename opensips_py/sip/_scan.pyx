"""Messages: the fields of a request or response, decoded when asked for and kept."""
cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.string cimport memchr

from opensips_py.sip cimport _names as names
from opensips_py.sip._address cimport address_host, address_port
from opensips_py.sip._edits cimport Edits, Plan
from opensips_py.sip._grammar cimport (
    SPACE, AddressSpan, ViaSpan, encode, method_name, put_number, put_text, read_address, read_via, same, skip, text, trim,
    unfold, value_end)
from opensips_py.sip._index cimport Index, Slot
from opensips_py.sip._names cimport HEADER_IDS, header_id_of
from opensips_py.sip._uri cimport NameAddr, Uri, Via, delta_seconds, make_address, make_via, parse_uri

from opensips_py.errors import MalformedMessage


@cython.final
cdef class Header:
    """One header with its place in the message; *start* to *end* are its whole lines."""

    def __repr__(self):
        return f"Header({self.name!r}, {self.value!r})"


@cython.freelist(32)
@cython.final
cdef class BranchTarget:
    """A further branch of a request: where it goes and how (``append_branch``, ``lookup``)."""

    def __init__(self, str uri, str destination=None, str path=None, send_socket=None, unsigned int flags=0, int q=-1,
                 str instance=None):
        self.uri, self.destination, self.path, self.send_socket = uri, destination, path, send_socket
        self.flags, self.q, self.instance = flags, q, instance

    def __repr__(self):
        return f"BranchTarget({self.uri!r})"


cdef class Message(Index):
    """A request or response as it was received; made by ``scan``.

    *data* are the bytes, *source* the key of the address they came from, *listener* and *connection* what they came
    by, at *received_at*. *context* belongs to whoever routes the message. Edits are invisible to reads.
    """

    @property
    def fault(self):
        """What is wrong with the message; None where nothing is."""
        return None if self.why == NULL else (<bytes>self.why).decode()

    @property
    def fault_status(self):
        """The response that a faulty message deserves; 0 is none."""
        return 0 if self.why == NULL else self.why_status

    @property
    def source_host(self):
        """The address that the message came from."""
        if self._source_host is None:
            self._source_host = address_host(self.source) if self.source else ""
        return self._source_host

    @property
    def source_port(self):
        """The port that the message came from."""
        return address_port(self.source)

    cdef int identify(self) except -1:
        """Decode what finds the transaction: every message is asked for that, and fields are read faster."""
        self.call_id = self.value_of(names.CALL_ID) or ""
        self.from_tag = text(self.from_span.tag.start, self.from_span.tag.end)
        self.to_tag = text(self.to_span.tag.start, self.to_span.tag.end)
        self.via_branch = text(self.via.branch.start, self.via.branch.end)
        self.cseq_method = method_name(self.cseq_span.start, self.cseq_span.end)
        self.method = method_name(self.method_span.start, self.method_span.end) if self.is_request else self.cseq_method
        return 0

    @property
    def max_forwards(self):
        """Max-Forwards, None where it is missing; what is set here is written when the request leaves."""
        return self.forwards if self.forwards >= 0 else None

    @max_forwards.setter
    def max_forwards(self, int value):
        if not 0 <= value <= 255:
            raise ValueError(f"Max-Forwards of {value}")
        self.forwards = value
        self.forwards_set = True

    @property
    def content_length(self):
        """The length of the body."""
        return self.size - self.body_offset

    @property
    def body(self):
        """The body as it is."""
        return PyBytes_FromStringAndSize(self.base + self.body_offset, self.size - self.body_offset)

    @property
    def content_type(self):
        """The Content-Type, None where it is missing."""
        return self.value_of(names.CONTENT_TYPE)

    @property
    def expires(self):
        """Expires in seconds: 3600 where malformed, None where missing."""
        value = self.value_of(names.EXPIRES)
        return None if value is None else delta_seconds(value)

    @property
    def from_(self):
        """From."""
        cdef Slot* slot
        if self._from is None:
            if self.from_span.uri.start == NULL:
                raise MalformedMessage("no From that can be read")
            slot = &self.slots[self.first[<int>names.FROM]]
            self._from = make_address(self.base, self.base + slot.value, &self.from_span)
        return self._from

    @property
    def to(self):
        """To."""
        if self._to is None:
            if self.to_span.uri.start == NULL:
                raise MalformedMessage("no To that can be read")
            self._to = make_address(self.base, self.base + self.slots[self.first[<int>names.TO]].value, &self.to_span)
        return self._to

    @property
    def top_via(self):
        """The first Via value."""
        if self._top_via is None:
            if self.via.host.start == NULL:
                raise MalformedMessage("no Via that can be read")
            self._top_via = make_via(self.base, self.base + self.slots[self.first[<int>names.VIA]].value, &self.via)
        return self._top_via

    @property
    def vias(self):
        """All Via values, the first one on top."""
        cdef list out = []
        cdef int k
        cdef ViaSpan span
        cdef const char* s
        cdef const char* e
        for k in range(self.count):
            if self.slots[k].id != names.VIA:
                continue
            s = self.base + self.slots[k].value
            e = self.base + self.slots[k].value_end
            while s < e:
                if read_via(s, e, &span) != NULL:
                    raise MalformedMessage("no Via that can be read")
                out.append(make_via(self.base, s, &span))
                s = span.end + 1
        return out

    @property
    def contacts(self):
        """All Contact values; ``*`` is one with the URI '*'."""
        return self.addresses(names.CONTACT)

    @property
    def routes(self):
        """All Route values."""
        return self.addresses(names.ROUTE)

    @property
    def record_routes(self):
        """All Record-Route values."""
        return self.addresses(names.RECORD_ROUTE)

    cdef list addresses(self, int id):
        cdef list out = []
        cdef int k
        cdef AddressSpan span
        cdef const char* s
        cdef const char* e
        for k in range(self.count):
            if self.slots[k].id != id:
                continue
            s = self.base + self.slots[k].value
            e = self.base + self.slots[k].value_end
            if e - s == 1 and s[0] == b"*":
                out.append(NameAddr("*"))
                continue
            while s < e:
                if read_address(s, e, &span) != NULL:
                    raise MalformedMessage("no address that can be read")
                out.append(make_address(self.base, s, &span))
                s = span.end + 1
        return out

    # ---- headers

    cdef str value_of(self, int id):
        cdef int k = self.first[id]
        if k < 0:
            return None
        return unfold(self.base + self.slots[k].value, self.base + self.slots[k].value_end)

    cdef Header header_at(self, int k):
        cdef Slot* slot = &self.slots[k]
        cdef Header header = Header.__new__(Header)
        header.name = text(self.base + slot.start, self.base + slot.start + slot.name_length)
        header.value = unfold(self.base + slot.value, self.base + slot.value_end)
        header.start, header.end, header.id = slot.start, slot.end, slot.id
        header.value_start, header.value_end = slot.value, slot.value_end
        return header

    cdef int next_named(self, int id, bytes lower, int k) except -2:
        """The index of the next header with that number or, for one without a number, name; -1 behind the last."""
        cdef Slot* slot
        while k < self.count:
            slot = &self.slots[k]
            if slot.id == id and (id or (slot.name_length == len(lower) and
                                         same_name(self.base + slot.start, lower, slot.name_length))):
                return k
            k += 1
        return -1

    def header(self, name):
        """Value of the first header of that name (any case, compact forms too) or number; None where there is none."""
        cdef int id = header_id_of(name), k
        if id:
            return self.value_of(id)
        if not isinstance(name, str):
            return None
        k = self.next_named(0, encode(name.lower()), 0)
        return None if k < 0 else unfold(self.base + self.slots[k].value, self.base + self.slots[k].value_end)

    def headers(self, name=None):
        """All headers, or those of that name or number, in the order of the message."""
        cdef list out = []
        cdef int id, k
        cdef bytes lower
        if name is None:
            for k in range(self.count):
                out.append(self.header_at(k))
            return out
        id = header_id_of(name)
        lower = encode(name.lower()) if isinstance(name, str) else b""
        k = self.next_named(id, lower, 0)
        while k >= 0:
            out.append(self.header_at(k))
            k = self.next_named(id, lower, k + 1)
        return out

    def values(self, name):
        """All values of a header, lists split at their commas (not at those in quotes and <>)."""
        cdef list out = []
        cdef int id = header_id_of(name), k
        cdef bytes lower = encode(name.lower()) if isinstance(name, str) else b""
        cdef const char* s
        cdef const char* e
        cdef const char* q
        k = self.next_named(id, lower, 0)
        while k >= 0:
            s = self.base + self.slots[k].value
            e = self.base + self.slots[k].value_end
            while s < e:
                q = value_end(s, e)
                s = skip(s, q, SPACE)
                if trim(s, q) > s:
                    out.append(unfold(s, trim(s, q)))
                s = q + 1
            k = self.next_named(id, lower, k + 1)
        return out

    # ---- edits

    @property
    def edits(self):
        """The edits of this message, which apply to whatever is sent of it."""
        return self.own_edits()

    @edits.setter
    def edits(self, Edits value):
        self._edits = value

    cdef Edits own_edits(self):
        if self._edits is None:
            self._edits = Edits.__new__(Edits)
        return self._edits

    @property
    def has_edits(self):
        """Whether there are edits."""
        return self._edits is not None and len(self._edits._items) > 0

    def append_header(self, line):
        """Put a whole header line (``Name: value\\r\\n``) behind the last header."""
        self.own_edits().insert(self.headers_end, line)

    def insert_header(self, line):
        """Put a whole header line (``Name: value\\r\\n``) before the first header."""
        self.own_edits().insert(self.line_end, line)

    def remove_header(self, Header header not None):
        """Leave out a header."""
        self.own_edits().delete(header.start, header.end)

    cpdef object remove_headers(self, object name):
        """Leave out all headers of that name or number."""
        cdef int id = header_id_of(name), k
        cdef bytes lower = encode(name.lower()) if isinstance(name, str) else b""
        k = self.next_named(id, lower, 0)
        while k >= 0:
            self.own_edits().delete(self.slots[k].start, self.slots[k].end)
            k = self.next_named(id, lower, k + 1)

    def set_header_value(self, Header header not None, value):
        """Give a header another value."""
        self.own_edits().replace(header.value_start, header.value_end, value)

    def remove_value(self, value):
        """Leave out one value (a NameAddr or Via of this message), and its header where it is the only one."""
        cdef int k, start = value.start, end = value.end
        cdef Slot* slot
        for k in range(self.count):
            slot = &self.slots[k]
            if slot.value <= start < slot.value_end:
                if start == slot.value and end >= slot.value_end:
                    self.own_edits().delete(slot.start, slot.end)
                elif end >= slot.value_end:  # the last one goes with the comma before it
                    while self.base[start] != b",":
                        start -= 1
                    self.own_edits().delete(start, slot.value_end)
                else:
                    while self.base[end] != b",":
                        end += 1
                    s = skip(self.base + end + 1, self.base + slot.value_end, SPACE)
                    self.own_edits().delete(start, <int>(s - self.base))
                return
        raise ValueError(f"not of this message: {value}")

    def replace_body(self, bytes body not None, str content_type=None):
        """Give the message another body and, unless None, Content-Type; Content-Length follows when it leaves."""
        self.own_edits().replace(self.body_offset, self.size, body)
        if content_type is None:
            return
        found = self.headers(names.CONTENT_TYPE)
        if found:
            self.set_header_value(found[0], content_type)
        else:
            self.append_header(f"Content-Type: {content_type}\r\n")

    cdef Plan plan_of(self, tuple extra, object outgoing):
        """All splices for what leaves: the message's own edits and further ones."""
        cdef Plan plan = Plan.__new__(Plan)
        if self._edits is not None:
            plan.load(self._edits, outgoing)
        for edits in extra:
            if edits is not None and edits is not self._edits:
                plan.load(<Edits?>edits, outgoing)
        return plan

    cdef int fit_length(self, Plan plan) except -1:
        """Write the Content-Length that the edited body has (RFC 3261, 18.4: streams need it)."""
        cdef int k = self.first[<int>names.CONTENT_LENGTH]
        cdef Py_ssize_t length = self.size - self.body_offset
        cdef char line[40]
        cdef int n
        if plan.count:
            plan.order()
            length += plan.growth(self.body_offset)
        if k >= 0:
            if length == self.declared_length:
                if plan.untouched(self.slots[k].start, self.slots[k].end):
                    return 0
            n = put_number(line, length)
            if plan.add_bytes(self.slots[k].value, self.slots[k].value_end, line[:n], 0) or plan.rewritten(
                    self.slots[k].start, self.slots[k].end):
                return 0
        n = put_text(line, b"Content-Length: ", 16)
        n += put_number(line + n, length)
        n += put_text(line + n, b"\r\n", 2)
        plan.add_bytes(self.headers_end, self.headers_end, line[:n], 1 << 30)
        return 0

    def edited(self, outgoing=None):
        """The bytes of the message with its edits carried out and Content-Length put right."""
        cdef Plan plan = self.plan_of((), outgoing)
        self.fit_length(plan)
        return plan.build(self.base, self.size)

    def apply_edits(self):
        """The message anew from its edited bytes, so that reads see the edits (``msg_apply_changes``)."""
        cdef Message new = scan(self.edited(), self.listener, self.source, self.connection, self.received_at)
        if new is None or new.why != NULL:
            raise MalformedMessage("the edits leave no message that can be read" if new is None else new.fault)
        new.context, new.destination, new.path = self.context, self.destination, self.path
        new.send_socket = self.send_socket
        new.flags, new.branch_flags, new.q, new.branches = self.flags, self.branch_flags, self.q, self.branches
        new.force_rport, new._original_uri = self.force_rport, self._original_uri
        if self.line_changed:
            new._uri, new.line_changed = self._uri, True
        if self.forwards_set:
            new.forwards, new.forwards_set = self.forwards, True
        return new

    def __repr__(self):
        return f"<{type(self).__name__} {text(self.base, self.base + max(self.line_end - 2, 0))}>"


cdef bint same_name(const char* s, const char* lower, Py_ssize_t n) noexcept nogil:
    """Compare a header name with one in lower case; tokens have characters that differ by more than case."""
    cdef Py_ssize_t i
    for i in range(n):
        if (s[i] + 32 if b"A" <= s[i] <= b"Z" else s[i]) != lower[i]:
            return False
    return True


@cython.final
cdef class Request(Message):
    """A request, with the state that routing it sets.

    That is the Request-URI and Max-Forwards, *destination* (the next hop, where it is not the Request-URI), *path*
    (Route values to push), *send_socket* (the listener to send by), *flags*, *branch_flags*, *q* (thousandths, -1 for
    none), *branches* (further targets) and *force_rport* (answer to the source port, asked for or not).
    """

    @property
    def uri(self):
        """The current Request-URI."""
        if self._uri is None:
            self._uri = text(self.uri_span.start, self.uri_span.end)
        return self._uri

    @uri.setter
    def uri(self, value):
        self.original_uri  # kept before it is changed
        self._parsed = value if isinstance(value, Uri) else None
        self._uri = str(value)
        self.line_changed = True

    @property
    def original_uri(self):
        """The Request-URI as received."""
        if self._original_uri is None:
            self._original_uri = text(self.uri_span.start, self.uri_span.end)
        return self._original_uri

    @property
    def parsed_uri(self):
        """The current Request-URI in its parts."""
        if self._parsed is None:
            self._parsed = parse_uri(self.uri)
        return self._parsed


@cython.final
cdef class Response(Message):
    """A response."""

    @property
    def status(self):
        """The status code."""
        return self.status_code

    @property
    def reason(self):
        """The reason phrase, which may be empty."""
        return text(self.reason_span.start, self.reason_span.end)


cpdef Message scan(bytes data, object listener=None, object source=0, object connection=None, double received_at=0.0):
    """Read a message; a faulty one has a ``fault``. None where *data* is not SIP at all. Never raises."""
    cdef Message message
    cdef const char* s = data
    cdef Py_ssize_t n = len(data)
    if n and (s[0] == b"\r" or s[0] == b"\n"):
        data = data.lstrip(b"\r\n")  # RFC 3261, 7.5: empty lines before the start line do not count
        s = data
        n = len(data)
    if n < 12:
        return None
    if same(s, b"sip/", 4):
        message = Response.__new__(Response)
    else:
        message = Request.__new__(Request)
    if not message.load(data):
        return None
    cdef Py_ssize_t end = message.body_offset + message.declared_length
    if message.declared_length >= 0 and end < n and message.why == NULL:
        # RFC 3261, 18.3: in a datagram, what stands behind the body is cut off
        return scan(data[:end], listener, source, connection, received_at)
    message.identify()
    message.listener, message.source, message.connection = listener, source, connection
    message.received_at = received_at
    return message


def parse(bytes data not None):
    """Read a message; MalformedMessage says what is wrong with it."""
    message = scan(data)
    if message is None:
        raise MalformedMessage("not a SIP message", 0)
    if message.fault is not None:
        raise MalformedMessage(message.fault, message.fault_status)
    return message
