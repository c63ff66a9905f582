from opensips_py.transport.listener cimport Listener


cdef class Target:
    cdef public str protocol, host
    cdef public object address, connection
    cdef public Listener listener
    cdef public bint may_connect


cpdef Target datagram_target(object address, Listener listener)
