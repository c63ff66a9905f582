from opensips_py.sip._uri cimport Uri
from opensips_py.transport.listener cimport Listener
from opensips_py.transport.target cimport Target
from opensips_py.transport.transports cimport Transports


cdef class Resolver:
    cdef readonly Transports transports
    cdef public object records, chance
    cdef public bint try_ipv6, try_naptr

    cpdef Target literal(self, Uri uri, Listener preferred=*, Listener received=*)
