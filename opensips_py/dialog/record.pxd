cdef class Dialog:
    cdef public str did, call_id, from_tag, to_tag, end_reason
    cdef public unsigned int entry, number, flags, user_flags
    cdef public int state
    cdef public bint stored
    cdef public long long caller_cseq, callee_cseq, lifetime, delay
    cdef public double created, started, expires, ended
    cdef public bytes facts
    cdef public dict values, armed, kept, invites, early
    cdef public list profiles, shifts, pingers
    cdef public Dialog other
    cdef public object timer, request

cpdef bytes pack(Dialog dialog, str flags)
cpdef bytes pack_facts(tuple facts)
cpdef bytes packed_of(tuple values)
