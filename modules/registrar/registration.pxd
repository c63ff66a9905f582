from libc.stdint cimport int64_t

from opensips_py.state._bindings cimport Binding, Record


cdef class Registration:
    cdef readonly str call_id
    cdef readonly int64_t cseq, limit, retransmission
    cdef readonly list new
    cdef public set removed
    cdef public bint everything
    cdef public int flows
    cdef readonly object mode
    cdef readonly bint force, allow_duplicate
