from opensips_py.sip._scan cimport Request, Response
from opensips_py.transaction._record cimport Branch, Cancel, Half, Timing, Transaction


cdef class TransactionLayer:
    cdef public object services, transports, resolver, slots, user, settings, counters
    cdef readonly Timing timing
    cdef public dict servers, clients, cancels, answered, ids
    cdef public tuple created
    cdef public Transaction stateless
    cdef public object ack_filter, on_own_request, on_own_response, blacklists, pending
    cdef object _new
    cdef str _key
    cdef object __weakref__

    cpdef object find(self, Request request, str method)
    cpdef bint receive_request(self, Request request) except -1
    cpdef bint _receive_ack(self, Request request) except -1
    cpdef bint receive_response(self, Response response) except -1
    cpdef object leave(self, Transaction transaction)
    cpdef bint transmit(self, object target, bytes data) except -1
    cpdef object end(self, Transaction transaction)
