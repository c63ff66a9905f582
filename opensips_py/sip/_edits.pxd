cdef struct Splice:
    int start
    int end
    const char* text
    Py_ssize_t size
    int rank  # order among insertions at one offset

cdef class Edits:
    cdef list _items
    cpdef delete(self, int start, int end)
    cpdef insert(self, int offset, text)
    cpdef replace(self, int start, int end, text)

cdef class Plan:
    cdef Splice small[24]
    cdef Splice* splices
    cdef int count, capacity
    cdef list kept
    cdef int add(self, int start, int end, const char* text, Py_ssize_t size, int rank) except -1
    cdef int add_bytes(self, int start, int end, bytes text, int rank) except -1
    cdef int load(self, Edits edits, object outgoing) except -1
    cdef bint settle(self, Splice* new) noexcept
    cdef bint untouched(self, int start, int end) noexcept
    cdef bint rewritten(self, int start, int end) noexcept
    cdef Py_ssize_t growth(self, int offset) noexcept
    cdef void order(self) noexcept
    cdef bytes build(self, const char* base, Py_ssize_t size)
