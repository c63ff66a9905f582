cimport cython
from libc.stdint cimport int64_t, uint32_t


@cython.final
cdef class Binding:
    cdef public str contact      # the URI
    cdef public str received     # where the REGISTER came from, as a URI; empty where that is the contact's own address
    cdef public str path         # the values of Path
    cdef public str call_id
    cdef public str user_agent
    cdef public str instance     # +sip.instance with its angle brackets
    cdef public str attr         # the script's own text
    cdef public str socket       # the listener that received it: protocol:host:port
    cdef public str tag          # who owns it in a cluster
    cdef public int64_t id
    cdef public int64_t expires  # seconds since 1970; 0: never
    cdef public double modified
    cdef public uint32_t cseq
    cdef public uint32_t flags
    cdef public uint32_t cflags  # branch flags
    cdef public uint32_t methods # a bit for each method allowed
    cdef public uint32_t latency # of the last ping answered, in microseconds
    cdef public int q            # thousandths; -1: not given
    cdef public int reg_id       # RFC 5626; 0: none

    cpdef Binding copy(self)

@cython.final
cdef class Record:
    cdef readonly str aor
    cdef readonly double now
    cdef readonly bytes stored
    cdef readonly list bindings
    cdef readonly list changes
    cdef bytes _data
    cdef bint _touched

    cpdef object expire(self)
    cpdef object insert(self, Binding binding)
    cpdef object update(self, Binding old, Binding new)
    cpdef object delete(self, Binding binding)
    cpdef object sort(self, bint newest_first)
    cpdef bytes packed(self)

@cython.final
cdef class Change:
    cdef readonly str aor
    cdef bytes _key
    cdef object _database
    cdef object _clock
    cdef object _edit
    cdef object _finish
    cdef bint _newest_first
    cdef readonly object result
    cdef readonly Record record

cpdef Binding made(str call_id, uint32_t cseq, str received, str path, str user_agent, str attr, str socket, str tag)
