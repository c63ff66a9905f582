from opensips_py.sip._scan cimport Request, Response
from opensips_py.state._words cimport Keyed
from opensips_py.transaction._record cimport Branch, Cancel, Half, Timing, Transaction, key_of
from opensips_py.transaction.counters cimport Counters
from opensips_py.transaction.ringing cimport Ringing
from opensips_py.transaction.settings cimport Settings
from opensips_py.transport.resolver cimport Resolver
from opensips_py.transport.target cimport Target
from opensips_py.transport.transports cimport Transports


cdef class TransactionLayer:
    cdef public object services, user
    cdef public Transports transports
    cdef public Resolver resolver
    cdef public Keyed slots
    cdef public Settings settings
    cdef public Counters counters
    cdef readonly Timing timing
    cdef public dict servers, clients, cancels, answered, ids
    cdef public tuple created
    cdef public Transaction stateless
    cdef public object ack_filter, on_own_request, on_own_response, blacklists
    cdef public Ringing pending
    cdef public dict restorers
    cdef object _new
    cdef str _key
    cdef object __weakref__

    cpdef object find(self, Request request, str method)
    cpdef bint receive_request(self, Request request) except -1
    cpdef bint _receive_ack(self, Request request) except -1
    cpdef bint receive_response(self, Response response) except -1
    cpdef object leave(self, Transaction transaction)
    cpdef bint transmit(self, Target target, bytes data) except -1
    cpdef object end(self, Transaction transaction)
