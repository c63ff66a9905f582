"""Edits: splices over the untouched bytes of a message, carried out when it leaves."""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from opensips_py.sip._grammar cimport encode

cdef int USER_RANK = 1000


@cython.final
cdef class Edits:
    """A list of splices, in the order in which they were made.

    Insertions at one place keep their order. Of deletions that overlap, the first wins: a later replacement is dropped
    whole, a later plain deletion takes what is left, and one that covers an earlier replacement removes its text too.
    An insertion within deleted text goes with it. A text may be a function of what the message leaves through.
    """

    def __cinit__(self):
        self._items = []

    cpdef delete(self, int start, int end):
        """Leave out the bytes from *start* up to *end*."""
        if start < end:
            self._items.append((start, end, b""))

    cpdef insert(self, int offset, text):
        """Put *text* (bytes, str or a function of the outgoing branch that returns bytes) at *offset*."""
        self._items.append((offset, offset, text if callable(text) else encode(text)))

    cpdef replace(self, int start, int end, text):
        """Put *text* in place of the bytes from *start* up to *end*."""
        self._items.append((start, end, text if callable(text) else encode(text)))

    def copy(self):
        """The same splices in a list of their own."""
        cdef Edits other = Edits()
        other._items = list(self._items)
        return other

    def clear(self):
        """Forget all splices."""
        self._items.clear()

    def apply(self, bytes data not None, outgoing=None):
        """*data* with the splices carried out, and nothing else changed."""
        cdef Plan plan = Plan.__new__(Plan)
        plan.load(self, outgoing)
        return plan.build(data, len(data))

    def __len__(self):
        return len(self._items)

    def __iter__(self):
        return iter(self._items)

    def __bool__(self):
        return bool(self._items)


@cython.freelist(16)
@cython.final
cdef class Plan:
    """The splices of one outgoing message: those of the script and those that every message needs."""

    def __cinit__(self):
        self.splices = self.small
        self.capacity = 24

    def __dealloc__(self):
        if self.splices != self.small:
            free(self.splices)

    cdef int add(self, int start, int end, const char* text, Py_ssize_t size, int rank) except -1:
        """Add a splice whose text lives on; answers 0 where an earlier deletion is in its way."""
        cdef Splice new
        cdef Splice* grown
        new.start, new.end, new.text, new.size, new.rank = start, end, text, size, rank
        if end > start and not self.settle(&new):
            return 0
        if self.count == self.capacity:
            grown = <Splice*>malloc(2 * self.capacity * sizeof(Splice))
            if grown == NULL:
                raise MemoryError
            memcpy(grown, self.splices, self.count * sizeof(Splice))
            if self.splices != self.small:
                free(self.splices)
            self.splices = grown
            self.capacity *= 2
        self.splices[self.count] = new
        self.count += 1
        return 1

    cdef int add_bytes(self, int start, int end, bytes text, int rank) except -1:
        if self.kept is None:
            self.kept = []
        self.kept.append(text)
        return self.add(start, end, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), rank)

    cdef int load(self, Edits edits, object outgoing) except -1:
        cdef int start, end
        for item in edits._items:
            start, end, text = <tuple>item
            if type(text) is not bytes:
                text = encode(text(outgoing))
            self.add_bytes(start, end, text, USER_RANK + (len(self.kept) if self.kept is not None else 0))
        return 0

    cdef bint settle(self, Splice* new) noexcept:
        """Fit a deletion among the earlier ones; False where nothing of it remains."""
        cdef int i = 0, start = new.start, end = new.end
        cdef Splice* old
        while i < self.count:
            old = &self.splices[i]
            if old.start == old.end or old.end <= start or old.start >= end:
                i += 1
                continue
            if new.size or (old.start <= start and old.end >= end):
                return False
            if start <= old.start and old.end <= end:  # covered: the larger deletion takes its place
                self.count -= 1
                self.splices[i] = self.splices[self.count]
                continue
            if old.start < start:
                new.start = old.end
            else:
                new.end = old.start
            i += 1
        return new.start < new.end

    cdef bint untouched(self, int start, int end) noexcept:
        """Whether no splice takes anything away from start..end."""
        cdef int i
        for i in range(self.count):
            if self.splices[i].start < end and self.splices[i].end > start:
                return False
        return True

    cdef bint rewritten(self, int start, int end) noexcept:
        """Whether a splice puts another text in place of something within start..end."""
        cdef int i
        for i in range(self.count):
            if self.splices[i].size and self.splices[i].start < end and self.splices[i].end > start:
                return True
        return False

    cdef Py_ssize_t growth(self, int offset) noexcept:
        """By how much the part from *offset* on becomes longer."""
        cdef Py_ssize_t total = 0
        cdef int i
        for i in range(self.count):
            if self.splices[i].start >= offset:
                total += self.splices[i].size - (self.splices[i].end - self.splices[i].start)
        return total

    cdef void order(self) noexcept:
        """Sort by offset: insertions before the deletion that starts there; then drop insertions in deleted text."""
        cdef int i, k, kept = 0, gone = 0
        cdef Splice s
        for i in range(1, self.count):
            s = self.splices[i]
            k = i - 1
            while k >= 0 and comes_before(&s, &self.splices[k]):
                self.splices[k + 1] = self.splices[k]
                k -= 1
            self.splices[k + 1] = s
        for i in range(self.count):
            s = self.splices[i]
            if s.start == s.end and s.start < gone:
                continue
            if s.end > s.start:
                gone = s.end
            self.splices[kept] = s
            kept += 1
        self.count = kept

    cdef bytes build(self, const char* base, Py_ssize_t size):
        cdef Py_ssize_t total = size, position = 0, gap
        cdef int i
        cdef bytes out
        cdef char* o
        cdef Splice* s
        self.order()
        for i in range(self.count):
            s = &self.splices[i]
            if s.start < position or s.end < s.start or s.end > size:
                raise ValueError(f"splice {s.start}..{s.end} is outside of {size} bytes")
            position = s.end
            total += s.size - (s.end - s.start)
        position = 0
        out = PyBytes_FromStringAndSize(NULL, total)
        o = PyBytes_AS_STRING(out)
        for i in range(self.count):
            s = &self.splices[i]
            gap = s.start - position
            memcpy(o, base + position, gap)
            o += gap
            memcpy(o, s.text, s.size)
            o += s.size
            position = s.end
        memcpy(o, base + position, size - position)
        return out


cdef inline bint comes_before(Splice* a, Splice* b) noexcept nogil:
    if a.start != b.start:
        return a.start < b.start
    if (a.end > a.start) != (b.end > b.start):
        return a.end == a.start
    return a.rank < b.rank
