"""Addresses as integers: IPv4 (ip << 16) | port, IPv6 (1 << 144) | (ip << 16) | port."""
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.string cimport memcpy

from opensips_py.sip._grammar cimport put_address

cdef extern from "<arpa/inet.h>" nogil:
    int AF_INET6
    int inet_pton(int family, const char* source, void* out)
    const char* inet_ntop(int family, const void* source, char* out, unsigned int size)

cdef object IPV6 = 1 << 144


cdef bint ipv4_number(const char* s, const char* e, unsigned int* out) noexcept nogil:
    """Read four decimal bytes with dots; answers whether s..e is nothing else."""
    cdef unsigned int ip = 0, part = 0
    cdef int dots = 0, digits = 0
    while s < e:
        if b"0" <= s[0] <= b"9":
            part = part * 10 + (s[0] - 48)
            digits += 1
            if digits > 3 or part > 255:
                return False
        elif s[0] == b"." and digits and dots < 3:
            ip = (ip << 8) | part
            part = digits = 0
            dots += 1
        else:
            return False
        s += 1
    out[0] = (ip << 8) | part
    return dots == 3 and digits > 0


cdef bint ipv6_number(const char* s, const char* e, unsigned char* out) noexcept nogil:
    """Read an IPv6 address, with or without brackets, into 16 bytes."""
    cdef char copy[64]
    if e - s >= 2 and s[0] == b"[" and (e - 1)[0] == b"]":
        s += 1
        e -= 1
    if e - s >= 64 or e <= s:
        return False
    memcpy(copy, s, e - s)
    copy[e - s] = 0
    return inet_pton(AF_INET6, copy, out) == 1


cdef object key_of(const char* s, const char* e, int port):
    """The key of the address s..e; None where it is a name."""
    cdef unsigned int ip
    cdef unsigned char six[16]
    if ipv4_number(s, e, &ip):
        return (<unsigned long long>ip << 16) | <unsigned int>port
    if ipv6_number(s, e, six):
        return IPV6 | (int.from_bytes(six[:16], "big") << 16) | port
    return None


cpdef object address_key(str host, int port):
    """The key of an IPv4 or IPv6 address (brackets allowed); ValueError for anything else."""
    cdef Py_ssize_t n
    cdef const char* s = PyUnicode_AsUTF8AndSize(host, &n)
    key = key_of(s, s + n, port) if 0 <= port <= 65535 else None
    if key is None:
        raise ValueError(f"no IP address and port: {host!r} {port}")
    return key


cpdef str address_host(object key):
    """The host of an address key as text, IPv6 without brackets."""
    cdef char out[64]
    cdef unsigned int ip
    cdef bytes six
    if key < IPV6:
        ip = <unsigned int>(<unsigned long long>key >> 16)
        n = put_address(out, ip)
        return out[:n].decode("ascii")
    six = ((key ^ IPV6) >> 16).to_bytes(16, "big")
    inet_ntop(AF_INET6, <const char*>six, out, 64)
    return (<bytes>out).decode("ascii")


cpdef int address_port(object key) except -1:
    """The port of an address key."""
    return key & 0xFFFF


cpdef bint is_ip(str host) except -1:
    """Whether *host* is an IPv4 or IPv6 address, brackets allowed."""
    cdef Py_ssize_t n
    cdef unsigned int ip
    cdef unsigned char six[16]
    cdef const char* s
    try:
        s = PyUnicode_AsUTF8AndSize(host, &n)
    except UnicodeEncodeError:
        return False
    return ipv4_number(s, s + n, &ip) or ipv6_number(s, s + n, six)
