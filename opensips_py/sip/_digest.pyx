"""Reading the parameters of challenges and credentials (RFC 7235, 2.1)."""
from opensips_py.errors import MalformedMessage
from opensips_py.sip._uri import unquoted

cdef enum:
    MOST = 50  # parameters of one header; nobody has that many, and a stranger's header is not worth more work
    SHOWN = 80  # characters of what is wrong


cdef Py_ssize_t past_space(str source, Py_ssize_t at, Py_ssize_t end):
    """The first character from *at* on that is no white space: a header may be folded anywhere."""
    while at < end and source[at].isspace():
        at += 1
    return at


def parse_parameters(str source not None):
    """The comma-separated ``name=value`` pairs of a challenge or of credentials, names in lower case."""
    cdef dict out = {}
    cdef Py_ssize_t at = 0, end = len(source), start, first
    cdef bint escaped
    cdef str name, value
    while True:
        while at < end and source[at] in " \t\r\n,":
            at += 1
        if at == end:
            return out
        first = at
        while at < end and source[at] not in "=,\"":
            at += 1
        name = source[first:at].rstrip(" \t\r\n").lower()
        if at == end or source[at] != "=" or not name:
            raise MalformedMessage(f"digest parameter without a value: {source[first:first + SHOWN]!r}")
        if name in out or len(out) == MOST:
            raise MalformedMessage(f"digest parameter given twice, or one too many: {name[:SHOWN]!r}")
        at = start = past_space(source, at + 1, end)
        if at < end and source[at] == "\"":
            at = start = at + 1
            escaped = False
            while at < end and source[at] != "\"":
                if source[at] == "\\":
                    escaped = True
                    at += 1
                at += 1
            if at >= end:
                raise MalformedMessage("quoted string that never closes")
            value = unquoted(source[start - 1:at + 1]) if escaped else source[start:at]
            at = past_space(source, at + 1, end)
            if at < end and source[at] != ",":
                raise MalformedMessage(f"text behind a quoted digest parameter: {source[at:at + SHOWN]!r}")
        else:
            while at < end and source[at] != ",":
                if source[at] == "\"":
                    raise MalformedMessage(f"quotes within a digest parameter: {source[start:start + SHOWN]!r}")
                at += 1
            value = source[start:at].rstrip()
        out[name] = value
