from opensips_py.state._words cimport Keyed


cdef class Table:
    cdef readonly str name
    cdef public object clock
    cdef public bint newest_first
    cdef Keyed _slots
    cdef object _identifiers
