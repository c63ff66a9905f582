from opensips_py.sip._scan cimport Request
from opensips_py.transport.listener cimport Listener
from opensips_py.transport.names cimport Names
from opensips_py.transport.settings cimport Counters, Settings
from opensips_py.transport.target cimport Target


cdef class Transports:
    cdef readonly Settings settings
    cdef readonly object wheel, on_datagrams, on_message
    cdef readonly Counters counters
    cdef public object on_unreachable, on_disconnect, sharing
    cdef public object on_sent
    cdef public dict numbered
    cdef list _reserved
    cdef dict _retired
    cdef public list listeners
    cdef readonly Names names
    cdef readonly object loop, loop_end
    cdef readonly dict datagrams, pools
    cdef object _submit, _identifiers
    cdef readonly list sockets
    cdef dict _choices
    cdef object __weakref__

    cpdef object send(self, Target target, bytes data, object report=*)
    cpdef object choose_listener(self, str protocol, object address, Listener preferred=*, Listener received=*)
    cpdef bint is_local(self, str host, object port=*, str protocol=*) except -1
