cdef class Listener:
    cdef public str protocol, host
    cdef public int port
    cdef public str advertised_host
    cdef public int advertised_port
    cdef public str name
    cdef public dict options
    cdef public str hostname
    cdef public int index
    cdef public object address
    cdef public bint is_ipv6
    cdef public str sent_by
    cdef public str uri_host
    cdef public bytes via_prefix
    cdef public str uri_text
