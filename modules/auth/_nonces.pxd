cimport cython
from libc.stdint cimport int64_t

from opensips_py.state._words cimport Keyed


@cython.final
cdef class Nonce:
    cdef readonly int64_t serial, issued
    cdef readonly int algorithm, qop
    cpdef bint suits(self, int algorithm, int qop)

@cython.final
cdef class Nonces:
    cdef Keyed first, second
    cdef void write(self, char* text, int64_t serial, int64_t now, int purpose) noexcept
    cpdef str issue(self, int64_t serial, int64_t now, int algorithm, int qop)
    cpdef Nonce read(self, str text)
