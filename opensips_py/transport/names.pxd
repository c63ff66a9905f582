cdef class Names:
    cdef dict _known, _parents, _answers

    cpdef bint is_local(self, str host, object port=*, str protocol=*) except -1
