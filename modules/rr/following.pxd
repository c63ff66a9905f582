from opensips_py.modules.rr.path cimport path_of
from opensips_py.sip._edits cimport Edits
from opensips_py.sip._scan cimport Request
from opensips_py.sip._uri cimport NameAddr, Uri
from opensips_py.transport.transports cimport Transports


cdef class Follower:
    cdef readonly Transports transports
    cdef readonly tuple observers
    cdef readonly bint doubles
    cdef readonly str ignored_user
    cdef readonly dict sockets

    cpdef bint follow(self, Request request, list[NameAddr] routes) except -1
    cpdef bint is_strict(self, Request request, Uri top) except -1
    cpdef bint is_ours(self, Uri uri) except -1
    cpdef object take_twin(self, Request request, list[NameAddr] rest, bint doubled)
    cpdef object note(self, Request request, Uri uri)

cpdef object aim(Request request, list[NameAddr] routes, list[NameAddr] rest)
cpdef object rewrite(Request request, list[NameAddr] routes, list[NameAddr] kept)
