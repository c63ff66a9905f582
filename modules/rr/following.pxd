from opensips_py.sip._scan cimport Request
from opensips_py.sip._uri cimport NameAddr, Uri
from opensips_py.transport.transports cimport Transports

cpdef bint is_strict(object rr, Request request, Uri top) except -1
cpdef bint is_ours(object rr, Uri uri) except -1
cpdef object note(object rr, Request request, Uri uri)
