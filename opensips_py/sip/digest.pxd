from opensips_py.sip._digest cimport credential_values, digest_parameters, equal_texts, md5_joined, raw

cdef class Algorithm:
    cdef readonly str name
    cdef readonly int number, size
    cdef readonly object hash
    cdef readonly bint session

cdef class Credentials:
    cdef public str username, realm, nonce, uri, response, algorithm, qop, nc, cnonce, opaque

    cpdef bint verify(self, str ha1, str method, bytes body=*) except -1

cdef class Password:
    cdef readonly str text

cdef class Ha1:
    cdef readonly str md5, sha_256, sha_512_256

cdef dict BY_NAME

cpdef Algorithm algorithm_of(str name)
cpdef str quote(str value)
cpdef str proof(Algorithm algorithm, Credentials given, str ha1, str method, bytes body)
cpdef str joined_hash(Algorithm algorithm, object texts)
