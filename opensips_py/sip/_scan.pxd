from opensips_py.sip._edits cimport Edits, Plan
from opensips_py.sip._index cimport Index

cdef class Header:
    cdef readonly str name, value
    cdef readonly int start, end, value_start, value_end, id

cdef class BranchTarget:
    cdef public str uri, destination, path, instance
    cdef public object send_socket
    cdef public dict attributes  # what the script attached to it
    cdef public unsigned int flags
    cdef public int q

cdef class Message(Index):
    cdef int identify(self) except -1
    cdef str value_of(self, int id)
    cdef Header header_at(self, int k)
    cdef int next_named(self, int id, bytes lower, int k) except -2
    cdef list addresses(self, int id)
    cdef Edits own_edits(self)
    cpdef object remove_headers(self, object name)
    cdef Plan plan_of(self, tuple extra, object outgoing)
    cdef int fit_length(self, Plan plan) except -1

cdef class Request(Message):
    pass

cdef class Response(Message):
    pass

cpdef Message scan(bytes data, object listener=*, object source=*, object connection=*, double received_at=*)
