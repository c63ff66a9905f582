from libc.stdint cimport int64_t

cpdef bytes raw(str text)
cpdef bint is_digest(str value) except -1
cpdef dict digest_parameters(str value)
cpdef dict parse_parameters(str text, Py_ssize_t at=*)
cpdef int64_t hexadecimal(str text) except? -1
cpdef str md5_hex(bytes data)
cpdef str md5_joined(tuple texts)
cpdef list credential_values(str value)
cpdef bint equal_texts(str one, str other) except -1
