from libc.stdint cimport int64_t

from opensips_py.module.run cimport Run
from opensips_py.modules.auth._nonces cimport Nonce, Nonces
from opensips_py.sip._digest cimport hexadecimal, is_digest
from opensips_py.sip._scan cimport Header, Request
from opensips_py.sip.digest cimport Algorithm, Credentials, algorithm_of


cdef dict HEADERS, QOP

cdef class Given:
    cdef readonly str kind
    cdef readonly Header header
    cdef readonly Credentials credentials
    cdef readonly Algorithm algorithm
    cdef readonly int64_t serial, count

cdef class Held:
    cdef readonly dict read
    cdef readonly list proven
    cdef public set stale

cdef class Verifier:
    cdef readonly object log, complaints, signaling, served
    cdef readonly Nonces nonces
    cdef readonly int64_t nonce_expire
    cdef readonly bint counts
    cdef readonly str realm_prefix

    cpdef object authorize(self, Run run, str kind, str realm, object lookup)
    cpdef object prove(self, Request request, Given given, object secret)
    cpdef object examine(self, Run run, str kind, str realm)
    cpdef object judge(self, Request request, str kind, Header header, Credentials credentials)
    cpdef object accept(self, Request request, Given given)
    cpdef Credentials proven(self, Request request)
    cpdef object outdated(self, Request request, str kind, Credentials credentials)
    cpdef list credentials_of(self, Request request, str kind)
    cpdef list read(self, Request request, str kind)
    cpdef bint is_stale(self, Request request, str kind, str realm)
    cpdef str realm_of(self, Request request, str kind)

cpdef Held held_by(Request request)
cpdef Held held_with(Request request)
cpdef bint is_unchallenged(Request request)
