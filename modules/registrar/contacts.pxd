from libc.stdint cimport int64_t

from opensips_py.sip._scan cimport Request
from opensips_py.sip._uri cimport NameAddr, Uri, parse_uri
from opensips_py.state._bindings cimport Binding

cpdef int64_t lasting(NameAddr contact, int64_t default, int64_t least, int64_t most, int64_t deviation) except? -1
cpdef object check(NameAddr contact)
cpdef bint supports(Request request, str option) except -1
cpdef tuple flow_of(Request request, NameAddr contact)
cpdef object methods_of(Request request, NameAddr contact)
cpdef bytes answer_header(list[Binding] bindings, int64_t now, object parameters, str aor, Uri uri)
