from opensips_py.sip._grammar cimport AddressSpan, ViaSpan

cdef class Uri:
    cdef readonly str scheme, user, password, host, parameters, headers
    cdef readonly int port
    cdef str _text
    cdef str _written(self)
    cpdef str parameter(self, str name)
    cpdef bint equals(self, Uri other) except -1
    cpdef str aor(self)

cdef class NameAddr:
    cdef readonly str display_name, uri, parameters
    cdef readonly int start, end, uri_start, uri_end
    cdef Uri _parsed
    cpdef str parameter(self, str name)

cdef class Via:
    cdef readonly str protocol, host, branch, received, parameters
    cdef readonly int port, start, end
    cdef readonly object rport
    cpdef str parameter(self, str name)

cpdef Uri parse_uri(str source)
cpdef object delta_seconds(str value)
cpdef str unquoted(str value)
cdef str find_parameter(str parameters, str name, str separator)
cdef NameAddr make_address(const char* base, const char* start, AddressSpan* span)
cdef Via make_via(const char* base, const char* start, ViaSpan* span)
