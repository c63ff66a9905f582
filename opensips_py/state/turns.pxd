cdef class Turn:
    cdef object _environment, _loop_end, _transaction
    cdef list _done

    cpdef object carry_out(self, object operation)
    cpdef object get(self, bytes key, object database)
    cpdef object commit(self)
    cdef object _anew(self, object operation)
