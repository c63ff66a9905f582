from opensips_py.module.run cimport Run
from opensips_py.sip._build cimport build_response
from opensips_py.sip._scan cimport Request
from opensips_py.state._words cimport Keyed
from opensips_py.transaction.layer cimport TransactionLayer
from opensips_py.transaction.replying cimport own_headers, prepared
from opensips_py.transaction.targets cimport response_target


cdef class Answers:
    cdef TransactionLayer layer
    cdef object timers
    cdef tuple observers, classes
    cdef object replies  # a counter, or what watches it
    cdef double ack_until

    cpdef bint answer(self, Run run, object code, str reason, bytes headers, bytes body) except -1
    cpdef bint send(self, Request request, object code, str reason, bytes headers, bytes body) except -1
    cpdef str tag(self, Request request)
    cpdef bint acknowledges(self, Request request) except -1
