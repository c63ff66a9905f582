"""Nonces that only this installation makes."""
cimport cython
from libc.stdint cimport int64_t, uint64_t

from opensips_py.state._words cimport Keyed, put, take

cdef extern from "Python.h":
    int PyUnicode_IS_COMPACT_ASCII(object)
    void* PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)

cdef enum:  # digits, to the base of 32
    SERIAL = 10
    MOMENT = 7
    PURPOSE = 1  # the number of the algorithm and, as the two lowest bits, the qualities of protection
    HALF = 12  # of the seal: 120 bits in all
    PAYLOAD = SERIAL + MOMENT + PURPOSE
    WHOLE = PAYLOAD + 2 * HALF


@cython.dataclasses.dataclass(frozen=True)
@cython.final
cdef class Nonce:
    """What a nonce of ours says."""

    serial: int64_t  # 0: it may serve any number of times
    issued: int64_t  # seconds since the epoch
    algorithm: int  # number of the one algorithm that it is for
    qop: int  # the qualities of protection that were offered, as bits

    cpdef bint suits(self, int algorithm, int qop):
        """Whether credentials of *algorithm* and *qop* answer the challenge; none stands for auth (RFC 8760, 2.6)."""
        return algorithm == self.algorithm and (self.qop & (qop or 1) != 0 if self.qop else not qop)


@cython.final
cdef class Nonces:
    """Makes and reads nonces with one *key* of 32 bytes; whoever has the key reads them, after a restart, too."""

    def __init__(self, bytes key not None):
        self.first, self.second = Keyed(0, 0, key[:16]), Keyed(0, 0, key[16:])

    cdef void write(self, char* text, int64_t serial, int64_t now, int purpose) noexcept:
        put(text, serial, SERIAL)
        put(text + SERIAL, now, MOMENT)
        put(text + SERIAL + MOMENT, purpose, PURPOSE)
        put(text + PAYLOAD, self.first.seal_of(text, PAYLOAD), HALF)
        put(text + PAYLOAD + HALF, self.second.seal_of(text, PAYLOAD), HALF)

    cpdef str issue(self, int64_t serial, int64_t now, int algorithm, int qop):
        """A nonce, unlike any other of the same serial number, moment and purpose."""
        cdef char text[WHOLE]
        self.write(text, serial, now, algorithm << 2 | qop)
        return text[:WHOLE].decode("ascii")

    cpdef Nonce read(self, str text):
        """What a nonce says; None for one that is not ours."""
        cdef char ours[WHOLE]
        cdef const char* given
        cdef Nonce nonce
        cdef int64_t serial, issued, purpose
        if not PyUnicode_IS_COMPACT_ASCII(text) or PyUnicode_GET_LENGTH(text) != WHOLE:
            return None
        given = <const char*>PyUnicode_DATA(text)
        serial, issued = take(given, SERIAL), take(given + SERIAL, MOMENT)
        purpose = take(given + SERIAL + MOMENT, PURPOSE)
        self.write(ours, serial, issued, <int>purpose)
        if not equal(ours, given, WHOLE):
            return None
        nonce = Nonce.__new__(Nonce)
        nonce.serial, nonce.issued, nonce.algorithm, nonce.qop = serial, issued, purpose >> 2, purpose & 3
        return nonce


cdef bint equal(const char* one, const char* other, int size) noexcept:
    """Whether both are the same, found out in a time that does not depend on where they differ."""
    cdef int i, different = 0
    for i in range(size):
        different |= one[i] ^ other[i]
    return different == 0
