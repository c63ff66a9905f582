from opensips_py.modules.rr.path cimport Path
from opensips_py.sip._scan cimport Request
from opensips_py.transaction._record cimport Branch
from opensips_py.transport.listener cimport Listener


cdef class Record:
    cdef readonly object rr
    cdef readonly Path path
    cdef readonly Listener incoming
    cdef readonly str tail, user

    cpdef bytes head(self, Listener listener)


cdef class Preset(Record):
    cdef readonly str address, second
