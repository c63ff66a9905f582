cdef class Target:
    cdef public str protocol, host
    cdef public object address, listener, connection
    cdef public bint may_connect
