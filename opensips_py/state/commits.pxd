cdef class Commits:
    cdef object _apply
    cdef list _operations, _reports
    cdef object __weakref__

    cpdef object flush(self)
    cdef list _carry_out(self, list more)
