"""Bindings packed into bytes: one record holds all contacts of an address-of-record."""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "Python.h":
    int PyUnicode_IS_COMPACT_ASCII(object)
    void* PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    str PyUnicode_DecodeUTF8(const char*, Py_ssize_t, const char*)

cdef enum:
    TEXTS = 9

cdef packed struct RecordHead:
    int64_t earliest       # when the first of its bindings ends
    uint32_t data_size     # of the data kept with the address-of-record, behind this head
    uint16_t count
    uint16_t version

cdef packed struct BindingHead:
    int64_t id
    int64_t expires
    double modified
    uint32_t cseq
    uint32_t flags
    uint32_t cflags
    uint32_t methods
    uint32_t latency
    int16_t q
    uint16_t reg_id
    uint16_t sizes[TEXTS]

cdef enum:
    VERSION = 1

FOREVER = 0x7FFFFFFFFFFFFFFF
MEMORY_ONLY = 1 << 0  # of a binding's own flags: never written to a database


@cython.final
@cython.freelist(64)
cdef class Binding:
    """One contact of an address-of-record; made from bytes when it is looked at, and gone afterwards."""

    def __init__(self, str contact, *, int64_t expires=0, str call_id="", int64_t cseq=0, int q=-1, str received="",
                 str path="", str user_agent="", str instance="", str attr="", str socket="", str tag="",
                 int64_t id=0, double modified=0.0, uint32_t flags=0, uint32_t cflags=0, uint32_t methods=0xFFFFFFFF,
                 int reg_id=0, uint32_t latency=0):
        self.contact, self.received, self.path, self.call_id = contact, received, path, call_id
        self.user_agent, self.instance, self.attr, self.socket, self.tag = user_agent, instance, attr, socket, tag
        self.id, self.expires, self.modified, self.cseq = id, expires, modified, <uint32_t>cseq
        self.flags, self.cflags, self.methods, self.latency = flags, cflags, methods, latency
        self.q, self.reg_id = q, reg_id

    def is_valid(self, double now):
        """Whether it has not ended by *now*."""
        return self.expires == 0 or self.expires > now

    cpdef Binding copy(self):
        """Another one that says the same."""
        cdef Binding other = made(self.call_id, self.cseq, self.received, self.path, self.user_agent, self.attr,
                                  self.socket, self.tag)
        other.contact, other.instance, other.reg_id = self.contact, self.instance, self.reg_id
        other.id, other.expires, other.modified, other.q = self.id, self.expires, self.modified, self.q
        other.flags, other.cflags, other.methods, other.latency = self.flags, self.cflags, self.methods, self.latency
        return other

    def __repr__(self):
        return f"<Binding {self.contact} until {self.expires}>"


cpdef Binding made(str call_id, uint32_t cseq, str received, str path, str user_agent, str attr, str socket, str tag):
    """What the contacts of one request have in common: as Binding(), at a third of the price."""
    cdef Binding b = Binding.__new__(Binding)
    b.contact = b.instance = ""
    b.call_id, b.cseq, b.received, b.path, b.user_agent = call_id, cseq, received, path, user_agent
    b.attr, b.socket, b.tag = attr, socket, tag
    b.q, b.methods = -1, 0xFFFFFFFF
    return b


cdef inline tuple texts_of(Binding b):
    return (b.contact, b.received, b.path, b.call_id, b.user_agent, b.instance, b.attr, b.socket, b.tag)


cdef inline object plain(object text):
    """A text as something whose bytes can be copied: itself if it is ASCII, else its UTF-8."""
    if PyUnicode_IS_COMPACT_ASCII(text):
        return text
    return text.encode("utf-8", "surrogateescape")


cdef inline Py_ssize_t size_of(object text) noexcept:
    return PyBytes_GET_SIZE(text) if isinstance(text, bytes) else PyUnicode_GET_LENGTH(text)


cdef inline char* copy_of(char* out, object text) noexcept:
    cdef Py_ssize_t size = size_of(text)
    memcpy(out, PyBytes_AS_STRING(text) if isinstance(text, bytes) else <char*>PyUnicode_DATA(text), size)
    return out + size


def pack(list bindings, bytes data=b""):
    """The record of an address-of-record; *data* is kept with it."""
    cdef Py_ssize_t size = sizeof(RecordHead) + len(data)
    cdef Py_ssize_t length
    cdef list texts = []
    cdef Binding b
    cdef object text
    cdef int i
    if len(bindings) > 0xFFFF:
        raise ValueError("more contacts than a record holds")
    for b in bindings:
        for text in texts_of(b):
            text = plain(text)
            length = size_of(text)
            if length > 0xFFFF:
                raise ValueError("a text of a binding is longer than 65,535 bytes")
            size += length
            texts.append(text)
        size += sizeof(BindingHead)
    cdef bytes result = PyBytes_FromStringAndSize(NULL, size)
    cdef char* start = PyBytes_AS_STRING(result)
    cdef char* out = start
    cdef RecordHead head
    cdef BindingHead* fixed
    cdef Py_ssize_t place = 0
    head.earliest = 0x7FFFFFFFFFFFFFFF
    head.data_size = <uint32_t>len(data)
    head.count = <uint16_t>len(bindings)
    head.version = VERSION
    out += sizeof(RecordHead)
    memcpy(out, PyBytes_AS_STRING(data), len(data))
    out += len(data)
    for b in bindings:
        fixed = <BindingHead*>out
        out += sizeof(BindingHead)
        fixed.id, fixed.expires, fixed.modified, fixed.cseq = b.id, b.expires, b.modified, b.cseq
        fixed.flags, fixed.cflags, fixed.methods, fixed.latency = b.flags, b.cflags, b.methods, b.latency
        fixed.q = <int16_t>b.q
        fixed.reg_id = <uint16_t>b.reg_id
        if b.expires != 0 and b.expires < head.earliest:
            head.earliest = b.expires
        for i in range(TEXTS):
            text = texts[place]
            place += 1
            fixed.sizes[i] = <uint16_t>size_of(text)
            out = copy_of(out, text)
    memcpy(start, &head, sizeof(RecordHead))
    return result


def unpack(bytes record not None):
    """The bindings in a record."""
    cdef const char* data = PyBytes_AS_STRING(record)
    cdef const char* end = data + PyBytes_GET_SIZE(record)
    cdef RecordHead head
    cdef BindingHead fixed
    cdef Binding b
    cdef list found = []
    cdef int i, number
    cdef Py_ssize_t total
    check(record, &head)
    data += sizeof(RecordHead) + head.data_size
    for number in range(head.count):
        if end - data < <Py_ssize_t>sizeof(BindingHead):
            raise ValueError("a record of bindings is cut off")
        memcpy(&fixed, data, sizeof(BindingHead))
        data += sizeof(BindingHead)
        total = 0
        for i in range(TEXTS):
            total += fixed.sizes[i]
        if end - data < total:
            raise ValueError("a record of bindings is cut off")
        b = Binding.__new__(Binding)
        b.id, b.expires, b.modified, b.cseq = fixed.id, fixed.expires, fixed.modified, fixed.cseq
        b.flags, b.cflags, b.methods, b.latency = fixed.flags, fixed.cflags, fixed.methods, fixed.latency
        b.q, b.reg_id = fixed.q, fixed.reg_id
        b.contact = text_at(&data, fixed.sizes[0])
        b.received = text_at(&data, fixed.sizes[1])
        b.path = text_at(&data, fixed.sizes[2])
        b.call_id = text_at(&data, fixed.sizes[3])
        b.user_agent = text_at(&data, fixed.sizes[4])
        b.instance = text_at(&data, fixed.sizes[5])
        b.attr = text_at(&data, fixed.sizes[6])
        b.socket = text_at(&data, fixed.sizes[7])
        b.tag = text_at(&data, fixed.sizes[8])
        found.append(b)
    return found


cdef inline str text_at(const char** data, uint16_t size):
    cdef const char* start = data[0]
    if size == 0:
        return ""
    data[0] = start + size
    return PyUnicode_DecodeUTF8(start, size, b"surrogateescape")


cdef int check(bytes record, RecordHead* head) except -1:
    if PyBytes_GET_SIZE(record) < <Py_ssize_t>sizeof(RecordHead):
        raise ValueError("a record of bindings is cut off")
    memcpy(head, PyBytes_AS_STRING(record), sizeof(RecordHead))
    if head.version != VERSION:
        raise ValueError(f"a record of bindings has the unknown version {head.version}")
    if PyBytes_GET_SIZE(record) - <Py_ssize_t>sizeof(RecordHead) < <Py_ssize_t>head.data_size:
        raise ValueError("a record of bindings is cut off")
    return 0


def earliest(bytes record not None):
    """When the first binding of a record ends; FOREVER where none does."""
    cdef RecordHead head
    check(record, &head)
    return head.earliest


def count(bytes record not None):
    """How many bindings a record has."""
    cdef RecordHead head
    check(record, &head)
    return head.count


def data_of(bytes record not None):
    """What is kept with the address-of-record itself."""
    cdef RecordHead head
    check(record, &head)
    return record[sizeof(RecordHead):sizeof(RecordHead) + head.data_size]


INSERT, UPDATE, DELETE, EXPIRE = 2, 3, 4, 5  # what can happen to a binding


cdef int64_t preference(Binding b) noexcept:
    return -b.q


cdef int64_t age(Binding b) noexcept:
    return -<int64_t>(b.modified * 1000)


@cython.final
@cython.freelist(16)
cdef class Record:
    """The bindings of one address-of-record inside a write transaction: touch nothing else there.

    Bindings are ordered by preference, those of equal preference by age; with *newest_first* by the time of their last
    update alone. *changes* says what has happened to which; *data* is kept with the address-of-record itself.
    """

    def __init__(self, str aor, double now, bytes stored):
        self.aor = aor
        self.now = now
        self.stored = stored
        self.changes = []
        if stored is None:
            self.bindings = []
            self._data = b""
        else:
            self.bindings = unpack(stored)
            self._data = data_of(stored)

    @property
    def data(self):
        """What is kept with the address-of-record beside its bindings."""
        return self._data

    @data.setter
    def data(self, bytes value not None):
        self._data = value
        self._touched = True

    @property
    def is_changed(self):
        """Whether there is anything to write."""
        return self._touched or len(self.changes) > 0

    cpdef object expire(self):
        """Take out what has ended."""
        cdef Binding b
        cdef list kept
        for b in self.bindings:
            if b.expires != 0 and b.expires <= self.now:
                break
        else:
            return None
        kept = []
        for b in self.bindings:
            if b.expires == 0 or b.expires > self.now:
                kept.append(b)
            else:
                self.changes.append((EXPIRE, b))
        self.bindings = kept
        return None

    cpdef object insert(self, Binding binding):
        """Add a new binding."""
        self.bindings.append(binding)
        self.changes.append((INSERT, binding))

    cpdef object update(self, Binding old, Binding new):
        """Put *new* in the place of *old*: it is the same binding, refreshed."""
        new.id = old.id
        new.latency = old.latency
        self.bindings[self.bindings.index(old)] = new
        self.changes.append((UPDATE, new))

    cpdef object delete(self, Binding binding):
        """Take a binding out."""
        self.bindings.remove(binding)
        self.changes.append((DELETE, binding))

    cpdef object sort(self, bint newest_first):
        """Bring the bindings into their order; equal ones stay as they are."""
        cdef Py_ssize_t i, j
        cdef Binding b
        cdef int64_t value
        for i in range(1, len(self.bindings)):  # they are in order but for what has just changed
            b = <Binding>self.bindings[i]
            value = age(b) if newest_first else preference(b)
            j = i
            while j > 0 and (age(<Binding>self.bindings[j - 1]) if newest_first
                             else preference(<Binding>self.bindings[j - 1])) > value:
                self.bindings[j] = self.bindings[j - 1]
                j -= 1
            self.bindings[j] = b

    cpdef bytes packed(self):
        """As it is to be stored."""
        return pack(self.bindings, self._data)


@cython.final
cdef class Change:
    """*edit*, applied to the record of one address-of-record: an operation for a write transaction.

    *result* is what *edit* returned, *record* what it left; both are from the last time that the operation ran.
    """

    def __init__(self, str aor, bytes key, object database, object clock, object edit, bint newest_first,
                 object finish):
        self.aor, self._key, self._database, self._clock = aor, key, database, clock
        self._edit, self._newest_first, self._finish = edit, newest_first, finish

    def __call__(self, transaction):
        cdef Record record = Record(self.aor, self._clock(), transaction.get(self._key, None, self._database))
        cdef Py_ssize_t before = len(record.bindings), after
        self.record = record
        record.expire()
        self.result = self._edit(record)
        if not record._touched and not record.changes:
            return self
        after = len(record.bindings)
        if after > 1:
            record.sort(self._newest_first)
        if (before > 1 or after > 1) and before != after or after and len(self._key) != len(self.aor) + 2:
            self._finish(transaction, self._key, record, before)
        if after:
            transaction.put(self._key, record.packed(), True, True, False, self._database)
        elif record.stored is not None:
            transaction.delete(self._key, b"", self._database)
        return self
