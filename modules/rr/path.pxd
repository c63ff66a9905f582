from opensips_py.module.run cimport Run
from opensips_py.sip._scan cimport Request
from opensips_py.transaction._record cimport Branch


cdef class Path:
    cdef public str local, parameters
    cdef public bint hidden
    cdef public dict branches
    cdef public set recorded

    cpdef bint claim(self, Run run) except -1
    cpdef object add(self, Run run, str text)
    cpdef str text(self, object outgoing)

cpdef int branch_of(Run run) except? -1
cpdef Path path_of(Request request)
