cdef class Runners:
    cdef public int limit, total
    cdef readonly object queue
    cdef public object refused
    cdef object _hub
    cdef list _idle
    cdef bint _draining, _scheduled
    cdef object __weakref__

    cpdef object submit(self, object function, object argument=*)
    cpdef object drain(self)
    cpdef object close(self)
