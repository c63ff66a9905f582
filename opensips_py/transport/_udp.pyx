"""Batched datagram input and output, and what runs at the end of every loop iteration."""
import logging

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.errno cimport EAGAIN, EINTR, EINVAL, errno
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

import gevent

cdef extern from * nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <errno.h>
    #include <netinet/in.h>
    #include <string.h>
    #include <sys/socket.h>
    #include <time.h>
    #include <linux/errqueue.h>

    #define IN_BATCH 32
    #define OUT_BATCH 64
    #define BUFFER 65536   /* more than the longest datagram, so nothing is ever cut */

    typedef union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name_t;

    /* Scratch for one system call, shared by all sockets: nothing stays in it once the call's results are copied.
       Pages that no datagram reaches are never touched. */
    static char in_bytes[IN_BATCH][BUFFER];
    static struct iovec in_vectors[IN_BATCH], out_vectors[OUT_BATCH];
    static name_t in_names[IN_BATCH];
    static struct mmsghdr in_headers[IN_BATCH], out_headers[OUT_BATCH];

    static void udp_prepare_scratch(void) {
        for (int i = 0; i < IN_BATCH; i++) {
            in_vectors[i].iov_base = in_bytes[i];
            in_vectors[i].iov_len = BUFFER;
            in_headers[i].msg_hdr.msg_iov = &in_vectors[i];
            in_headers[i].msg_hdr.msg_iovlen = 1;
            in_headers[i].msg_hdr.msg_name = &in_names[i];
            in_headers[i].msg_hdr.msg_namelen = sizeof(name_t);
        }
        for (int i = 0; i < OUT_BATCH; i++) {
            out_headers[i].msg_hdr.msg_iov = &out_vectors[i];
            out_headers[i].msg_hdr.msg_iovlen = 1;
        }
    }

    static int udp_receive(int fd) {
        int n;
        do n = recvmmsg(fd, in_headers, IN_BATCH, MSG_DONTWAIT, NULL); while (n < 0 && errno == EINTR);
        for (int i = 0; i < n; i++) in_headers[i].msg_hdr.msg_namelen = sizeof(name_t);
        return n;
    }

    /* One report from the error queue: the errno of an ICMP error and whom it is about. 0: the queue is empty. */
    static int udp_next_error(int fd, name_t *about) {
        char control[512], start[1];
        struct iovec vector = {start, sizeof start};
        struct msghdr header;
        struct cmsghdr *c;
        memset(&header, 0, sizeof header);
        header.msg_name = about;
        header.msg_namelen = sizeof *about;
        header.msg_iov = &vector;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        if (recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return 0;
        for (c = CMSG_FIRSTHDR(&header); c != NULL; c = CMSG_NXTHDR(&header, c))
            if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR)
                || (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
                return (int)((struct sock_extended_err *)CMSG_DATA(c))->ee_errno;
        return -1;
    }

    static double udp_now(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec + t.tv_nsec * 1e-9;
    }

    static void udp_sleep(double seconds) {
        struct timespec t = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
        nanosleep(&t, NULL);  /* a signal may end it early */
    }

    static unsigned long long udp_key4(const name_t *name) {
        return ((unsigned long long)ntohl(name->v4.sin_addr.s_addr) << 16) | ntohs(name->v4.sin_port);
    }

    static socklen_t udp_name4(name_t *name, unsigned long long key) {
        memset(&name->v4, 0, sizeof name->v4);
        name->v4.sin_family = AF_INET;
        name->v4.sin_addr.s_addr = htonl((unsigned)(key >> 16));
        name->v4.sin_port = htons((unsigned short)key);
        return sizeof name->v4;
    }

    static socklen_t udp_name6(name_t *name, unsigned long long high, unsigned long long low, unsigned short port) {
        memset(&name->v6, 0, sizeof name->v6);
        name->v6.sin6_family = AF_INET6;
        for (int i = 0; i < 8; i++) {
            name->v6.sin6_addr.s6_addr[i] = high >> (56 - 8 * i);
            name->v6.sin6_addr.s6_addr[8 + i] = low >> (56 - 8 * i);
        }
        name->v6.sin6_port = htons(port);
        return sizeof name->v6;
    }

    static unsigned long long udp_half6(const name_t *name, int half) {
        unsigned long long value = 0;
        for (int i = 0; i < 8; i++) value = (value << 8) | name->v6.sin6_addr.s6_addr[8 * half + i];
        return value;
    }
    """
    ctypedef struct sockaddr:
        unsigned short sa_family
    ctypedef struct sockaddr_in6:
        unsigned short sin6_port
    ctypedef union name_t:
        sockaddr any
        sockaddr_in6 v6
    struct iovec:
        void* iov_base
        size_t iov_len
    struct msghdr:
        void* msg_name
        unsigned int msg_namelen
    struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    const int IN_BATCH, OUT_BATCH, AF_INET, AF_INET6, MSG_DONTWAIT
    char in_bytes[32][65536]
    iovec out_vectors[64]
    name_t in_names[32]
    mmsghdr in_headers[32]
    mmsghdr out_headers[64]
    unsigned short ntohs(unsigned short)
    int sendmmsg(int, mmsghdr*, unsigned int, int)
    void udp_prepare_scratch()
    int udp_receive(int)
    double udp_now()
    void udp_sleep(double)
    int udp_next_error(int, name_t*)
    unsigned long long udp_key4(const name_t*)
    unsigned int udp_name4(name_t*, unsigned long long)
    unsigned int udp_name6(name_t*, unsigned long long, unsigned long long, unsigned short)
    unsigned long long udp_half6(const name_t*, int)

udp_prepare_scratch()

cdef object LOG = logging.getLogger("opensips_py.transport")
cdef object IPV6 = 1 << 144
cdef object HALF = (1 << 64) - 1
cdef enum:
    BATCHES = 4       # of 32 a callback: without a bound a flood starves timers and heartbeats
    REPORTS = 64      # of the error queue a callback, for the same reason
    WORTH_A_PAUSE = 3
    ENOUGH = 48       # messages of a pause: the buffers of common peers hold some 60 that come at once, ours 200
    SHORTEST = 20     # bytes; shorter datagrams are keep-alives of NAT bindings, never SIP


cdef struct Entry:
    PyObject* data
    name_t name
    unsigned int length


cdef object key_of(const name_t* name):
    if name.any.sa_family == AF_INET:
        return udp_key4(name)
    return IPV6 | <object>udp_half6(name, 0) << 80 | <object>udp_half6(name, 1) << 16 | ntohs(name.v6.sin6_port)


@cython.final
cdef class LoopEnd:
    """Flushes every sender that has something queued before the loop waits again, whoever queued it.

    A prepare watcher of the lowest priority does it. gevent switches to greenlets that became ready in a prepare
    watcher of its own, before ours; one armed only on demand would miss what those greenlets queue, because libev
    collects the watchers of a turn before it calls the first.

    Waking up costs more than all else that is done for a message. So when they come so densely that at least three are
    due within *pause* seconds, the loop sleeps that long, or until some 48 are due, and one turn then serves them all.
    0: never.
    """

    cdef list waiting, preceding
    cdef object watcher
    cdef public double pause
    cdef readonly double rate  # messages a second, lately
    cdef double since
    cdef long counted
    cdef bint reading, more

    def __init__(self, loop=None, double pause=0.0):
        loop = loop if loop is not None else gevent.get_hub().loop
        self.waiting = []
        self.preceding = []
        self.pause = pause
        self.watcher = loop.prepare(ref=False, priority=loop.MINPRI)
        self.watcher.start(self._end)

    cpdef note(self, int messages, bint more=False):
        """So many were read in this turn; *more* may wait in the kernel."""
        self.counted += messages
        self.reading = True
        self.more |= more

    def _end(self):
        if self.waiting:
            self.flush()
        if self.reading:
            self._rest()
            self.reading = self.more = False

    cdef void _rest(self):
        cdef double now = udp_now()
        if now - self.since >= 0.01:
            self.rate = self.counted / (now - self.since)
            self.since = now
            self.counted = 0
        if not self.more and self.rate * self.pause >= WORTH_A_PAUSE:
            with nogil:
                udp_sleep(min(self.pause, ENOUGH / self.rate))

    cpdef add(self, sender):
        """Have *sender*'s flush() called before the loop waits again; it asks once, however much it queues."""
        self.waiting.append(sender)

    cpdef precede(self, function):
        """Have *function* called each time before anything is sent: what is told to others has happened by then."""
        self.preceding.append(function)

    cpdef call_preceding(self):
        """Call what precedes sending; whoever sends at another time than this does it first."""
        for function in self.preceding:
            try:
                function()
            except BaseException:
                LOG.exception("what precedes sending failed")

    cpdef flush(self):
        """Flush all that waits, now."""
        cdef list waiting
        while self.waiting:
            self.call_preceding()
            waiting, self.waiting = self.waiting, []
            for sender in waiting:
                try:
                    if type(sender) is UdpSocket:
                        (<UdpSocket>sender).flush()
                    else:
                        sender.flush()
                except BaseException:  # gevent stops a watcher whose callback raises
                    LOG.exception("sending failed")

    def start(self):
        """Revive the watcher if something stopped it."""
        if not self.watcher.active:
            self.watcher.start(self._end)

    def close(self):
        """Flush what waits and stop."""
        self.flush()
        self.watcher.close()


@cython.final
cdef class UdpSocket:
    """One datagram socket: reads in batches of 32, and sends what was queued with one system call.

    *on_batch* gets each batch as a list of (bytes, address key). *on_error*, when set, gets (address key, errno) of
    datagrams that the kernel refused and of ICMP errors that came back.
    """

    cdef readonly int fd
    cdef readonly object listener
    cdef public object on_batch, on_error
    cdef readonly unsigned long long received, sent, failed, dropped, keepalives, unreachable, crashes
    cdef public int queue_limit
    cdef LoopEnd loop_end
    cdef object reader, writer
    cdef Entry* queue
    cdef int head, count, room, family
    cdef bint blocked

    def __cinit__(self):
        self.queue = NULL

    def __init__(self, int fd, listener, on_batch, LoopEnd loop_end=None, int queue_limit=4096, bint ipv6=False):
        loop = gevent.get_hub().loop
        self.fd = fd
        self.listener = listener
        self.on_batch = on_batch
        self.loop_end = loop_end if loop_end is not None else LoopEnd(loop)
        self.queue_limit = queue_limit
        self.family = AF_INET6 if ipv6 else AF_INET
        self.reader = loop.io(fd, 1)
        self.writer = loop.io(fd, 2)

    def __dealloc__(self):
        cdef int i
        for i in range(self.head, self.head + self.count):
            Py_DECREF(<object>self.queue[i].data)
        free(self.queue)

    def start(self):
        """Read from now on; also revives a watcher that something stopped."""
        if not self.reader.active:
            self.reader.start(self._readable)

    def stop(self):
        """Leave further datagrams in the kernel's buffer."""
        self.reader.stop()

    def close(self):
        """Send what is queued, as far as the kernel takes it, and let go of the descriptor, which stays open."""
        self.flush()
        self.reader.close()
        self.writer.close()

    @property
    def active(self):
        """Whether it reads."""
        return self.reader.active

    @property
    def queued(self):
        """Datagrams that wait to be sent."""
        return self.count

    def _readable(self):
        # gevent stops a watcher whose callback raises: the worker would be deaf. So nothing may leave here.
        try:
            self._read()
        except BaseException:
            self.crashes += 1
            LOG.exception("a batch of datagrams failed")

    cdef int _read(self) except -1:
        cdef int turn, n, i
        cdef unsigned int size
        cdef list batch
        for turn in range(BATCHES):
            n = udp_receive(self.fd)
            if n <= 0:
                # Either an ICMP error stands before the datagrams, or only the error queue woke us.
                if self._read_errors() == 0:
                    return 0
                continue
            batch = []
            for i in range(n):
                size = in_headers[i].msg_len
                if size < SHORTEST:
                    self.keepalives += 1
                    continue
                batch.append((PyBytes_FromStringAndSize(in_bytes[i], size), key_of(&in_names[i])))
            self.received += n
            self.loop_end.note(n, n == IN_BATCH and turn == BATCHES - 1)
            if batch:
                self.on_batch(batch)
            if n < IN_BATCH:
                return 0
        return 0

    cdef int _read_errors(self) except -1:
        cdef name_t about
        cdef int error, n = 0
        memset(&about, 0, sizeof(about))
        while n < REPORTS:
            error = udp_next_error(self.fd, &about)
            if error == 0:
                break
            n += 1
            self.unreachable += 1
            if error > 0 and about.any.sa_family == self.family:
                self._tell(key_of(&about), error)
        return n

    cpdef send(self, bytes data, key):
        """Queue *data* for *key*; it leaves before the loop waits again."""
        cdef Entry* entry
        cdef unsigned int length
        if self.count >= self.queue_limit:
            self.dropped += 1
            return
        if self.head + self.count >= self.room:
            self._make_room()
        entry = &self.queue[self.head + self.count]
        if self.family == AF_INET:
            if key >= IPV6:
                self._refused(key, EINVAL)
                return
            entry.length = udp_name4(&entry.name, key)
        else:
            if key < IPV6:
                self._refused(key, EINVAL)
                return
            entry.length = udp_name6(&entry.name, (key >> 80) & HALF, (key >> 16) & HALF, key & 0xFFFF)
        Py_INCREF(data)
        entry.data = <PyObject*>data
        self.count += 1
        if self.count == 1:
            self.loop_end.add(self)

    cdef int _make_room(self) except -1:
        cdef Entry* queue
        cdef int i
        if self.head:
            for i in range(self.count):
                self.queue[i] = self.queue[self.head + i]
            self.head = 0
            return 0
        queue = <Entry*>realloc(self.queue, (self.room * 2 + 64) * sizeof(Entry))
        if queue == NULL:
            raise MemoryError
        self.queue, self.room = queue, self.room * 2 + 64
        return 0

    cpdef flush(self):
        """Hand the queue to the kernel; what it cannot take now stays queued until the socket is writable."""
        cdef int n, error, retried = -1
        if self.blocked and not self.count:
            self._unblock()
        while self.count:
            n = self._send_some()
            if n > 0:
                self.sent += n
                self._forget(n)
                continue
            error = errno
            if error == EINTR:
                continue
            if error == EAGAIN:
                self._block()
                return
            # The kernel may report an ICMP error of an earlier datagram here: only a second refusal is this one's.
            if retried != self.head:
                retried = self.head
                continue
            key = key_of(&self.queue[self.head].name)
            self._forget(1)
            retried = -1
            self._refused(key, error)
        if self.blocked:
            self._unblock()

    cdef int _send_some(self):
        cdef int i, n = self.count if self.count < OUT_BATCH else OUT_BATCH
        cdef Entry* entry
        for i in range(n):
            entry = &self.queue[self.head + i]
            out_vectors[i].iov_base = PyBytes_AS_STRING(<bytes>entry.data)
            out_vectors[i].iov_len = PyBytes_GET_SIZE(<bytes>entry.data)
            out_headers[i].msg_hdr.msg_name = &entry.name
            out_headers[i].msg_hdr.msg_namelen = entry.length
        return sendmmsg(self.fd, out_headers, n, MSG_DONTWAIT)

    cdef void _forget(self, int n):
        cdef int i
        cdef int head = self.head
        # First the counts, then the references: dropping one may run code that queues.
        self.count -= n
        self.head = head + n if self.count else 0
        for i in range(head, head + n):
            Py_DECREF(<object>self.queue[i].data)

    cdef void _block(self):
        if not self.blocked:
            self.blocked = True
            self.writer.start(self._writable)

    cdef void _unblock(self):
        self.blocked = False
        self.writer.stop()

    def _writable(self):
        try:
            self.flush()
        except BaseException:
            self.crashes += 1
            LOG.exception("sending datagrams failed")

    cdef void _refused(self, key, int error):
        self.failed += 1
        self._tell(key, error)

    cdef void _tell(self, key, int error):
        if self.on_error is None:
            return
        try:
            self.on_error(key, error)
        except BaseException:
            self.crashes += 1
            LOG.exception("a report of an unreachable address failed")
