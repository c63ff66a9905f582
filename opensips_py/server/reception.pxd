from opensips_py.module.run cimport Run
from opensips_py.sip._scan cimport Message, Request, Response, scan
from opensips_py.state._words cimport Counter, Keyed
from opensips_py.transaction.layer cimport TransactionLayer


cdef class Reception:
    cdef readonly object worker, runners, handed_over, refused, complaints, not_reached
    cdef readonly Keyed slots
    cdef readonly Counter rcv_requests, rcv_replies
    cdef readonly int index
    cdef readonly bint alone
    cdef readonly TransactionLayer layer
    cdef readonly object generation, main, on_reply, counters
    cdef readonly tuple message_read, request_received, response_received, route_begins, request_done
    cdef readonly object stopwatch, entry

    cpdef object request(self, Request request)
    cpdef object response(self, Response response)
