from cpython.ref cimport PyObject

cdef struct Slot:
    PyObject* head
    PyObject* tail

cdef class Timer:
    cdef object _callback
    cdef object _argument
    cdef PyObject* _wheel      # borrowed; NULL once stopped or fired
    cdef PyObject* _previous   # borrowed; the wheel owns one reference to each pending timer
    cdef PyObject* _next
    cdef long long _due        # in ticks
    cdef int _slot
    cpdef void stop(self)

cdef class Wheel:
    cdef readonly double now
    cdef readonly double tick
    cdef double _rate
    cdef long long _ticks      # the last tick that has been worked off
    cdef long long _target     # where advance is going
    cdef Py_ssize_t _pending
    cdef object _fire
    cdef Slot _slots[512]
    cpdef Timer start(self, double seconds, object callback, object argument=*)
    cpdef void set_now(self, double now)
    cpdef int advance(self, double now) except -1
    cdef void _link(self, Timer timer) noexcept
    cdef void _unlink(self, Timer timer) noexcept
    cdef void _cascade(self) noexcept
    cdef void _drop(self) noexcept
