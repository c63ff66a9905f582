cdef class Ringing:
    cdef public object clock
    cdef object _notes, _more, _path
    cdef list _free
    cdef dict _places
    cdef public dict orphans
    cdef double _now

    cpdef object note(self, str branch, object target, str uri, tuple module=*)
    cpdef object forget(self, str branch)
