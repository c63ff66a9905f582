cdef bint ipv4_number(const char* s, const char* e, unsigned int* out) noexcept nogil
cdef object key_of(const char* s, const char* e, int port)
cpdef str address_host(object key)
cpdef int address_port(object key) except -1
cpdef object address_key(str host, int port)
