cimport cython

from opensips_py._timers cimport Timer, Wheel
from opensips_py.sip._scan cimport Message, Request

cpdef str key_of(Message request, str method, bint whole_uri=*, bint whole_via=*)
cpdef bint answers_source(Message request)
cpdef int sent_by_port(Message request)
cpdef bint names_maddr(Message request)


cdef class Transaction
cdef class Branch
cdef class Cancel

@cython.final
cdef class Timing:
    cdef public double t1, t2, fr, fr_inv, wait, trying
    cdef public bint restart_on_provisional  # whether each provisional response starts timer C again
    cdef readonly Wheel wheel
    cdef readonly object on_retransmit
    cdef readonly object on_expire

cdef class Half:
    cdef readonly int machine, state
    cdef readonly int sends        # retransmissions so far
    cdef public bint reliable      # nothing is retransmitted over such a transport
    cdef public double fr, fr_inv  # seconds; the lengths of B, F, H and of C
    cdef readonly int ticket       # counts the timers started to end waiting
    cdef int _expiring             # event of the running timer that ends waiting, 0: none
    cdef double _interval          # of the retransmission timer
    cdef Timing _timing
    cdef Timer _retransmit, _expire
    cdef void _begin(self, Timing timing, int machine)
    cdef Transaction _whole(self)
    cpdef int step(self, int event) except -1
    cdef int _start_retransmit(self, int event) except -1
    cdef int _start_expire(self, int event) except -1
    cpdef int retransmit(self) except -1
    cpdef int expire(self) except -1
    cpdef void restart(self)
    cpdef void stop(self)

@cython.final
cdef class Transaction(Half):
    cdef public str id               # its identifier outside ($T_id), None until somebody asks
    cdef public str key              # how a retransmission finds it
    cdef public object request       # the request that opened it
    cdef readonly str method
    cdef public bint invite
    cdef public bint local           # we are the client: there is no server transaction
    cdef public int alive            # machines that have not terminated
    cdef public object target        # where responses go
    cdef public object generation    # the configuration that it was opened under
    cdef public object user          # the transaction user that it was opened under
    cdef public list branches
    cdef public int first            # index of the first branch of the newest set
    cdef public int status           # of the last response sent, 0: none
    cdef public bytes last           # that response
    cdef public str local_tag        # To tag of our own responses
    cdef public str answered_tag     # To tag of the final response sent
    cdef public object avps
    cdef public object contexts      # what modules attach, by their own key; None: nothing yet
    cdef public object on_failure, on_reply, on_branch
    cdef public bint cancelled       # by the client
    cdef public bint answered_here   # the last response is our own
    cdef public bint blocked         # a 6xx forbids further branches
    cdef public bint busy            # one of its events is being handled: others queue
    cdef public bint script          # the request route that opened it still runs
    cdef public bint implicit        # opened because a function waits, not by the script
    cdef public bint stateless       # it is such a one, and answered by what knows of no transaction
    cdef public bint failing         # its failure route runs
    cdef public bint ended           # the layer has forgotten it
    cdef public bint acted           # it was relayed or answered
    cdef public bint trying_due      # no 100 has been sent yet
    cdef public object queue         # events that came meanwhile, None: none
    cdef public int awaited          # branches that may still be injected; -1: any number
    cdef public unsigned int flags   # of the script, for responses and failure routes
    cdef public int relay_flags
    cdef public bytes headers        # appended to every request that it sends
    cdef public bytes cancel_headers # put into every CANCEL
    cdef public object edits         # of the request: in all branches
    cdef public object listener      # where the request came in
    cdef public int observed         # kinds of happening that somebody observes
    cdef public list observers
    cdef public object report        # called with the final response of a local transaction
    cdef public bint auto_ack        # of a local one: a 2xx to its INVITE is acknowledged by us
    cdef public object winner        # branch whose response was chosen

@cython.final
cdef class Branch(Half):
    cdef public Transaction transaction
    cdef readonly int index
    cdef public str id               # our Via branch
    cdef readonly str method
    cdef public bint awaiting        # no final response and no local verdict yet
    cdef public bint minor           # the transaction does not wait for it
    cdef public int status           # last one received or, on a time-out, set here; 0: none
    cdef public int received         # last status received from the network
    cdef public object response      # the final response; None on a local verdict
    cdef public bytes data           # the request as sent; None: not sent
    cdef public object message       # that request, parsed, once an ACK or a CANCEL needs it
    cdef public bytes ack            # the ACK for its failure
    cdef public object target
    cdef public list others          # further targets, if this one fails
    cdef public str uri, destination, path
    cdef public object send_socket
    cdef public unsigned int flags
    cdef public int q
    cdef public object instance
    cdef public object on_reply
    cdef public object edits         # of its branch route alone
    cdef public object run_edits     # of the failure route that made it
    cdef public object avps          # $bavp, None: none
    cdef public object attributes
    cdef public Cancel cancel
    cdef public bytes reason         # Reason header lines for its CANCEL
    cdef public bint phone           # no signalling: stands for branches to come
    cpdef Branch take(self, Request request)
    cpdef void show(self, Request request)
    cpdef void begin(self)

@cython.final
cdef class Cancel(Half):
    cdef public Branch branch
    cdef public bytes data
    cdef public object target
