cpdef object algorithm_of(str name)
cpdef bytes raw(str text)
cpdef tuple split_scheme(str value)
cpdef str quote(str value)
