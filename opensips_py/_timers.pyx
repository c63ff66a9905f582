"""The timer wheel: 256 slots of one tick, then four rings of 64 slots, each 64 times coarser than the one before."""
cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.math cimport ceil

cdef long long LONGEST = (<long long>256 << 24) - 1  # ticks that the rings can hold


@cython.final
@cython.no_gc  # its links into the program are cut when it stops or fires, so the collector never needs to look at it
@cython.freelist(4096)
cdef class Timer:
    """A started timer; the wheel keeps it alive until it fires or is stopped."""

    cpdef void stop(self):
        """Stop the timer; a timer that has fired or was stopped before stays as it is."""
        if self._wheel is not NULL:
            (<Wheel>self._wheel)._unlink(self)
            self._callback = None
            self._argument = None
            Py_DECREF(self)

    @property
    def pending(self):
        """Whether it will still fire."""
        return self._wheel is not NULL

    @property
    def due(self):
        """The moment at which it fires, in seconds of the wheel's clock."""
        return self._due * (<Wheel>self._wheel).tick if self._wheel is not NULL else None


@cython.final
cdef class Wheel:
    """Timers by the thousand: starting and stopping one costs the same, however many are pending.

    The wheel reads no clock: *advance* tells it the time and fires what is due through *fire(callback, argument)*.
    While it fires, *now* is the moment at which that timer was due, so a callback that starts the next timer of a
    series keeps to the series even when a whole minute passes in one step.
    """

    def __init__(self, fire, double now=0.0, double tick=0.01):
        if tick <= 0:
            raise ValueError("a tick is longer than nothing")
        self._fire = fire
        self.now = now
        self.tick = tick
        self._rate = 1.0 / tick
        self._ticks = self._target = <long long>(now * self._rate)

    def __dealloc__(self):
        self._drop()

    def __len__(self):
        return self._pending

    cpdef Timer start(self, double seconds, object callback, object argument=None):
        """Call *callback* with *argument* once *seconds* have passed."""
        cdef Timer timer = Timer.__new__(Timer)
        # A sum like 0.1 + 0.2 lies a hair over the tick that it means: without the allowance it would be a tick late.
        cdef long long due = <long long>ceil((self.now + seconds) * self._rate - 1e-4)
        if due <= self._ticks:
            due = self._ticks + 1
        elif due > self._ticks + LONGEST:
            due = self._ticks + LONGEST
        timer._due = due
        timer._callback = callback
        timer._argument = argument
        timer._wheel = <PyObject*>self
        Py_INCREF(timer)
        self._pending += 1
        self._link(timer)
        return timer

    cpdef void set_now(self, double now):
        """It is *now*, and what is started from here on counts from this moment; what is due fires at the next
        advance."""
        if now > self.now:
            self.now = now

    cpdef int advance(self, double now) except -1:
        """It is *now*: fire everything that is due, earliest first; returns how many fired."""
        cdef Slot* slot
        cdef Timer timer
        cdef int fired = 0
        cdef object callback, argument
        cdef long long target = <long long>(now * self._rate + 1e-4)
        if target > self._target:
            self._target = target
        while True:
            slot = &self._slots[self._ticks & 255]
            while slot.head is not NULL:
                timer = <Timer>slot.head
                callback = timer._callback
                argument = timer._argument
                self._unlink(timer)
                timer._callback = None
                timer._argument = None
                Py_DECREF(timer)
                fired += 1
                self._fire(callback, argument)
            if self._ticks >= self._target:
                break
            if self._pending == 0:
                self._ticks = self._target
                break
            self._ticks += 1
            if self._ticks & 255 == 0:
                self._cascade()
            if self._slots[self._ticks & 255].head is not NULL:
                self.now = self._ticks * self.tick
        if now > self.now:
            self.now = now
        return fired

    def clear(self):
        """Stop every timer."""
        self._drop()

    cdef void _drop(self) noexcept:
        cdef int index
        for index in range(512):
            while self._slots[index].head is not NULL:
                (<Timer>self._slots[index].head).stop()

    cdef void _link(self, Timer timer) noexcept:
        cdef long long distance = timer._due - self._ticks
        cdef int index
        cdef Slot* slot
        if distance < 256:
            index = <int>(timer._due & 255)
        elif distance < <long long>256 << 6:
            index = 256 + <int>((timer._due >> 8) & 63)
        elif distance < <long long>256 << 12:
            index = 320 + <int>((timer._due >> 14) & 63)
        elif distance < <long long>256 << 18:
            index = 384 + <int>((timer._due >> 20) & 63)
        else:
            index = 448 + <int>((timer._due >> 26) & 63)
        slot = &self._slots[index]
        timer._slot = index
        timer._next = NULL
        timer._previous = slot.tail
        if slot.tail is NULL:
            slot.head = <PyObject*>timer
        else:
            (<Timer>slot.tail)._next = <PyObject*>timer
        slot.tail = <PyObject*>timer

    cdef void _unlink(self, Timer timer) noexcept:
        cdef Slot* slot = &self._slots[timer._slot]
        if timer._previous is NULL:
            slot.head = timer._next
        else:
            (<Timer>timer._previous)._next = timer._next
        if timer._next is NULL:
            slot.tail = timer._previous
        else:
            (<Timer>timer._next)._previous = timer._previous
        timer._previous = timer._next = NULL
        timer._wheel = NULL
        self._pending -= 1

    cdef void _cascade(self) noexcept:
        """A finer ring has gone round: hand it the next slot of the coarser one."""
        cdef int ring, index, shift
        cdef PyObject* entry
        cdef PyObject* following
        for ring in range(4):
            shift = 8 + 6 * ring
            index = 256 + 64 * ring + <int>((self._ticks >> shift) & 63)
            entry = self._slots[index].head
            self._slots[index].head = self._slots[index].tail = NULL
            while entry is not NULL:
                following = (<Timer>entry)._next
                self._link(<Timer>entry)
                entry = following
            if (self._ticks >> shift) & 63 != 0:
                return
