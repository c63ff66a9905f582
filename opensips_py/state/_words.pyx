"""64-bit words in memory that processes share, and the keyed hash of identifiers."""
cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

import mmap
import os

cdef extern from * nogil:
    """
    #include <stdint.h>
    #include <string.h>
    #include <sys/mman.h>
    static inline int64_t word_load(int64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
    static inline void word_store(int64_t *p, int64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
    static inline int64_t word_add(int64_t *p, int64_t v) { return __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL); }
    static inline int64_t word_swap(int64_t *p, int64_t v) { return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL); }
    static inline int word_cas(int64_t *p, int64_t old, int64_t new_) {
        return __atomic_compare_exchange_n(p, &old, new_, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    }

    #define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
    #define SIPROUND do { v0 += v1; v1 = ROTL(v1, 13); v1 ^= v0; v0 = ROTL(v0, 32); v2 += v3; v3 = ROTL(v3, 16); \\
        v3 ^= v2; v0 += v3; v3 = ROTL(v3, 21); v3 ^= v0; v2 += v1; v1 = ROTL(v1, 17); v1 ^= v2; v2 = ROTL(v2, 32); } while (0)

    typedef struct { uint64_t v0, v1, v2, v3, tail, length; } sip_hash_state;  /* SipHash-2-4 */

    static void siphash_begin(sip_hash_state *s, uint64_t k0, uint64_t k1) {
        s->v0 = k0 ^ 0x736f6d6570736575ULL; s->v1 = k1 ^ 0x646f72616e646f6dULL;
        s->v2 = k0 ^ 0x6c7967656e657261ULL; s->v3 = k1 ^ 0x7465646279746573ULL;
        s->tail = 0; s->length = 0;
    }
    static void siphash_feed(sip_hash_state *s, const uint8_t *data, size_t size) {
        uint64_t v0 = s->v0, v1 = s->v1, v2 = s->v2, v3 = s->v3, m;
        size_t have = s->length & 7;
        s->length += size;
        while (have && size) {
            s->tail |= (uint64_t)*data++ << (8 * have); have = (have + 1) & 7; size--;
            if (!have) { m = s->tail; s->tail = 0; v3 ^= m; SIPROUND; SIPROUND; v0 ^= m; }
        }
        while (size >= 8) {
            memcpy(&m, data, 8); data += 8; size -= 8; v3 ^= m; SIPROUND; SIPROUND; v0 ^= m;
        }
        while (size) { s->tail |= (uint64_t)*data++ << (8 * have); have++; size--; }
        s->v0 = v0; s->v1 = v1; s->v2 = v2; s->v3 = v3;
    }
    static uint64_t siphash_end(sip_hash_state *s) {
        uint64_t v0 = s->v0, v1 = s->v1, v2 = s->v2, v3 = s->v3, m = s->tail | (s->length << 56);
        v3 ^= m; SIPROUND; SIPROUND; v0 ^= m; v2 ^= 0xff; SIPROUND; SIPROUND; SIPROUND; SIPROUND;
        return v0 ^ v1 ^ v2 ^ v3;
    }
    """
    ctypedef struct sip_hash_state:
        pass
    int64_t word_load(int64_t*)
    void word_store(int64_t*, int64_t)
    int64_t word_add(int64_t*, int64_t)
    int64_t word_swap(int64_t*, int64_t)
    bint word_cas(int64_t*, int64_t, int64_t)
    void siphash_begin(sip_hash_state*, uint64_t, uint64_t)
    void siphash_feed(sip_hash_state*, const uint8_t*, size_t)
    uint64_t siphash_end(sip_hash_state*)
    void* mmap_c "mmap"(void*, size_t, int, int, int, long)
    int munmap(void*, size_t)
    int PROT_READ, PROT_WRITE, MAP_SHARED
    void* MAP_FAILED
    void* memcpy(void*, const void*, size_t)


@cython.final
cdef class Words:
    """A row of 64-bit words in a shared file; every operation on one is atomic between processes."""

    def __cinit__(self, int fd, Py_ssize_t offset, Py_ssize_t count):
        cdef Py_ssize_t start = offset // mmap.PAGESIZE * mmap.PAGESIZE
        if offset % 8 or offset < 0 or count < 1:
            raise ValueError("words start at a multiple of eight bytes, and there is at least one")
        if os.fstat(fd).st_size < offset + 8 * count:
            raise ValueError("the file ends before these words do")  # reading there would be SIGBUS
        self._mapped = offset - start + 8 * count
        self._mapping = <char*>mmap_c(NULL, self._mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start)
        if <void*>self._mapping == MAP_FAILED:
            self._mapping = NULL
            raise OSError("the shared words cannot be mapped")
        self._words = <int64_t*>(self._mapping + (offset - start))
        self.count = count

    def __dealloc__(self):
        if self._mapping is not NULL:
            munmap(self._mapping, self._mapped)

    def __len__(self):
        return self.count

    cdef int64_t* at(self, Py_ssize_t index) except NULL:
        if index < 0 or index >= self.count:
            raise IndexError("no such word")
        return self._words + index

    def load(self, Py_ssize_t index):
        """The value of word *index*."""
        return word_load(self.at(index))

    def store(self, Py_ssize_t index, int64_t value):
        """Set word *index*."""
        word_store(self.at(index), value)

    def add(self, Py_ssize_t index, int64_t amount=1):
        """Add to word *index*."""
        word_add(self.at(index), amount)

    def fetch_add(self, Py_ssize_t index, int64_t amount):
        """Add to word *index*; returns what it was before."""
        return word_add(self.at(index), amount)

    def swap(self, Py_ssize_t index, int64_t value):
        """Set word *index*; returns what it was before."""
        return word_swap(self.at(index), value)

    def cas(self, Py_ssize_t index, int64_t old, int64_t new):
        """Set word *index* to *new* if it is *old*; whether it was."""
        return word_cas(self.at(index), old, new)

    def read(self, Py_ssize_t index, Py_ssize_t size):
        """*size* bytes from word *index* on."""
        if size < 0 or index < 0 or index * 8 + size > self.count * 8:
            raise IndexError("these bytes are not all inside")
        return (<char*>(self._words + index))[:size]

    def write(self, Py_ssize_t index, const uint8_t[::1] data):
        """Put bytes at word *index*; no other process may look at them until a word says so."""
        if index < 0 or index * 8 + data.shape[0] > self.count * 8:
            raise IndexError("these bytes do not all fit")
        if data.shape[0]:
            memcpy(self._words + index, &data[0], data.shape[0])


@cython.final
cdef class Counter:
    """A number with one word per worker: each adds to its own, reading sums them all."""

    def __init__(self, Words words, Py_ssize_t first, Py_ssize_t stride, Py_ssize_t slabs, Py_ssize_t own,
                 str group="", str name="", str kind="counter", str help=""):
        words.at(first + stride * (slabs - 1))
        self._words = words
        self._first = words.at(first)
        self._own = words.at(first + stride * own)
        self._stride = stride
        self._slabs = slabs
        self.group, self.name, self.kind, self.help = group, name, kind, help

    cpdef void add(self, int64_t amount=1):
        """Count up, or down where *amount* is negative."""
        word_add(self._own, amount)

    def set(self, int64_t value):
        """Let this worker's part be *value*."""
        word_store(self._own, value)

    @property
    def own(self):
        """This worker's part of the number."""
        return word_load(self._own)

    @property
    def value(self):
        """The number, summed over all workers."""
        cdef int64_t total = 0
        cdef Py_ssize_t slab
        for slab in range(self._slabs):
            total += word_load(self._first + slab * self._stride)
        return total

    def reset(self):
        """Start again at zero, in every worker."""
        cdef Py_ssize_t slab
        for slab in range(self._slabs):
            word_store(self._first + slab * self._stride, 0)


cdef extern from "Python.h":
    int PyUnicode_IS_COMPACT_ASCII(object)
    void* PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    bint PyBytes_Check(object)
    char* PyBytes_AS_STRING(object)
    Py_ssize_t PyBytes_GET_SIZE(object)

cdef const char* DIGITS = b"0123456789abcdefghijklmnopqrstuv"
cdef const uint8_t* SEPARATOR = <const uint8_t*>b"\0"


cdef inline object text_bytes(object text):
    return text.encode("utf-8", "surrogateescape")


cdef int feed(sip_hash_state* state, object text) except -1:
    """One field and a separator, so that ("ab", "c") and ("a", "bc") differ."""
    if not PyBytes_Check(text):
        if PyUnicode_IS_COMPACT_ASCII(text):
            siphash_feed(state, <const uint8_t*>PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))
            siphash_feed(state, SEPARATOR, 1)
            return 0
        text = text_bytes(text)
    siphash_feed(state, <const uint8_t*>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    siphash_feed(state, SEPARATOR, 1)
    return 0


cdef void put(char* out, uint64_t value, int digits) noexcept:
    cdef int i
    for i in range(digits - 1, -1, -1):
        out[i] = DIGITS[value & 31]
        value >>= 5


cdef int64_t take(const char* text, int digits) noexcept:
    """The number that these digits write; -1 where one is none of ours."""
    cdef int64_t value = 0
    cdef int i
    cdef char c
    for i in range(digits):
        c = text[i]
        if 48 <= c <= 57:
            value = value << 5 | (c - 48)
        elif 97 <= c <= 118:
            value = value << 5 | (c - 87)
        else:
            return -1
    return value


cdef class Keyed:
    """Hashes that only this installation can compute: slots of Call-IDs, Via branches, sealed identifiers.

    *multiplier* and *start* make the hash of Call-IDs (a classic BPF program computes the same), *key* is the sixteen
    bytes of everything else (SipHash-2-4).
    """

    def __init__(self, uint32_t multiplier, uint32_t start, bytes key):
        if len(key) != 16:
            raise ValueError("the key has sixteen bytes")
        self.multiplier = multiplier | 1  # an even one would push the early bytes out at the top
        self.start = start
        self._k0 = int.from_bytes(key[:8], "little")
        self._k1 = int.from_bytes(key[8:], "little")

    cpdef int slot_of_call_id(self, object call_id) except -1:
        """The slot, 0 to 1023, of a request by the first 64 bytes of its Call-ID."""
        cdef const uint8_t* data
        cdef Py_ssize_t size, i
        cdef uint32_t h = self.start
        if not PyBytes_Check(call_id):
            if PyUnicode_IS_COMPACT_ASCII(call_id):
                data = <const uint8_t*>PyUnicode_DATA(call_id)
                size = PyUnicode_GET_LENGTH(call_id)
            else:
                call_id = text_bytes(call_id)
                data = <const uint8_t*>PyBytes_AS_STRING(call_id)
                size = PyBytes_GET_SIZE(call_id)
        else:
            data = <const uint8_t*>PyBytes_AS_STRING(call_id)
            size = PyBytes_GET_SIZE(call_id)
        for i in range(min(size, 64)):
            h = (h + data[i]) * self.multiplier
        return (h >> 16) & 1023

    def hash(self, *fields):
        """A keyed 64-bit number from text or bytes."""
        cdef sip_hash_state state
        siphash_begin(&state, self._k0, self._k1)
        for field in fields:
            feed(&state, field)
        return siphash_end(&state)

    cpdef int slot_of_name(self, object name) except -1:
        """The slot, 0 to 1023, of anything with a name: an address-of-record, a lock."""
        cdef sip_hash_state state
        siphash_begin(&state, self._k0, self._k1)
        feed(&state, name)
        return siphash_end(&state) & 1023

    cpdef str tag(self, str purpose, object call_id, object from_tag, int64_t cseq, object top_branch=""):
        """A To tag: the same for all retransmissions of a request, for each *purpose* another."""
        cdef sip_hash_state state
        cdef char text[13]
        siphash_begin(&state, self._k0, self._k1)
        feed(&state, purpose)
        feed(&state, call_id)
        feed(&state, from_tag)
        siphash_feed(&state, <const uint8_t*>&cseq, 8)
        feed(&state, top_branch)
        put(text, siphash_end(&state), 13)
        return text[:13].decode("ascii")

    cpdef str via_branch(self, object top_branch, object call_id, object from_tag, int64_t cseq, int index, int slot):
        """The Via branch under which branch *index* of a request leaves; the same request gives the same again.

        z9hG4bK, two digits of slot, two of branch index, thirteen of hash, eight that only we can compute from those.
        """
        cdef sip_hash_state state
        cdef char text[32]
        memcpy(text, <const char*>b"z9hG4bK", 7)
        put(text + 7, slot & 1023, 2)
        put(text + 9, index & 1023, 2)
        siphash_begin(&state, self._k0, self._k1)
        feed(&state, top_branch)
        feed(&state, call_id)
        feed(&state, from_tag)
        siphash_feed(&state, <const uint8_t*>&cseq, 8)
        siphash_feed(&state, <const uint8_t*>text, 11)
        put(text + 11, siphash_end(&state), 13)
        put(text + 24, self.seal_of(text + 7, 17), 8)
        return text[:32].decode("ascii")

    cpdef object owned(self, str branch):
        """The slot that a Via branch of ours carries; None for any other branch."""
        cdef const char* text
        if not PyUnicode_IS_COMPACT_ASCII(branch) or PyUnicode_GET_LENGTH(branch) != 32:
            return None
        text = <const char*>PyUnicode_DATA(branch)
        if text[:7] != b"z9hG4bK" or take(text + 24, 8) != <int64_t>(self.seal_of(text + 7, 17) & 0xFFFFFFFFFF):
            return None
        return take(text + 7, 2)

    cpdef object branch_index(self, str branch):
        """The branch index that a Via branch of ours carries; None for any other branch."""
        return None if self.owned(branch) is None else take(<const char*>PyUnicode_DATA(branch) + 9, 2)

    cpdef str seal(self, int slot, object body):
        """An identifier for *body*: two digits of slot, eight of seal, the body itself."""
        cdef char text[10]
        put(text, slot & 1023, 2)
        put(text + 2, self.seal_of_text(slot & 1023, body), 8)
        return text[:10].decode("ascii") + body

    cpdef object unseal(self, str identifier):
        """(slot, body) of an identifier that *seal* made; None for any other text."""
        cdef const char* text
        cdef int64_t slot
        if not PyUnicode_IS_COMPACT_ASCII(identifier) or PyUnicode_GET_LENGTH(identifier) < 10:
            return None
        text = <const char*>PyUnicode_DATA(identifier)
        slot = take(text, 2)
        body = identifier[10:]
        if slot < 0 or take(text + 2, 8) != <int64_t>(self.seal_of_text(slot, body) & 0xFFFFFFFFFF):
            return None
        return slot, body

    cdef uint64_t seal_of(self, const char* text, size_t size) noexcept:
        cdef sip_hash_state state
        siphash_begin(&state, ~self._k0, self._k1)
        siphash_feed(&state, <const uint8_t*>text, size)
        return siphash_end(&state)

    cdef uint64_t seal_of_text(self, int slot, object body) except? 0:
        cdef sip_hash_state state
        siphash_begin(&state, self._k0, ~self._k1)
        siphash_feed(&state, <const uint8_t*>&slot, sizeof(int))
        feed(&state, body)
        return siphash_end(&state)
