cdef class Counters:
    cdef public object received, relayed, local, server, user_agent, in_use, response_retransmissions, silent
    cdef public object unanswered
    cdef public tuple finals, retransmissions
