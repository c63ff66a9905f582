cimport cython


@cython.freelist(16)
cdef class Run:
    cdef public object services, generation, kind, message, request, transaction, branch, parent
    cdef public dict avps, variables, extra
    cdef public object rc
    cdef public bint dropped, beside
    cdef public list parameters, endings
    cdef object __weakref__

    cpdef object park(self)
    cpdef object attach(self, object transaction)
