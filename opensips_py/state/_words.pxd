cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

@cython.final
cdef class Words:
    cdef char* _mapping
    cdef size_t _mapped
    cdef int64_t* _words
    cdef readonly Py_ssize_t count
    cdef int64_t* at(self, Py_ssize_t index) except NULL

@cython.final
cdef class Counter:
    cdef Words _words
    cdef int64_t* _own
    cdef int64_t* _first
    cdef Py_ssize_t _stride, _slabs
    cdef readonly str group, name, kind, help
    cpdef void add(self, int64_t amount=*)

cdef class Keyed:
    cdef uint64_t _k0, _k1
    cdef readonly uint32_t multiplier, start
    cpdef int slot_of_call_id(self, object call_id) except -1
    cpdef int slot_of_name(self, object name) except -1
    cpdef str tag(self, str purpose, object call_id, object from_tag, int64_t cseq, object top_branch=*)
    cpdef str via_branch(self, object top_branch, object call_id, object from_tag, int64_t cseq, int index, int slot)
    cpdef object owned(self, str branch)
    cpdef object branch_index(self, str branch)
    cpdef str seal(self, int slot, object body)
    cpdef object unseal(self, str identifier)
    cdef uint64_t seal_of(self, const char* text, size_t size) noexcept
    cdef uint64_t seal_of_text(self, int slot, object body) except? 0

cdef void put(char* out, uint64_t value, int digits) noexcept
cdef int64_t take(const char* text, int digits) noexcept
