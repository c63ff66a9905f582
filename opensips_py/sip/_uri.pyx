"""URIs, name-addr values and Via values as objects (RFC 3261, 19.1, 20.10 and 20.42)."""
cimport cython
from cpython.unicode cimport PyUnicode_AsUTF8AndSize

from opensips_py.sip._grammar cimport (
    SIP, SIPS, SPACE, TEL, AddressSpan, Parameter, UriSpan, ViaSpan, next_parameter, number, read_address, read_uri,
    read_via, skip, text, trim, unfold, value_end)

from opensips_py.errors import MalformedMessage


cdef str decoded(str escaped):
    """*escaped* with its %-escapes resolved; a % that is no escape stays."""
    if "%" not in escaped:
        return escaped
    first, *rest = escaped.encode("utf-8", "surrogateescape").split(b"%")
    out = [first]
    for part in rest:
        try:
            out.append(bytes.fromhex(part[:2].decode("ascii")) + part[2:] if part[:2].isalnum() else b"%" + part)
        except ValueError:
            out.append(b"%" + part)
    return b"".join(out).decode("utf-8", "surrogateescape")


cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(str text)
    void* PyUnicode_1BYTE_DATA(str text)
    Py_ssize_t PyUnicode_GET_LENGTH(str text)

cdef dict TRANSPORTS = {form(each): each for each in ("udp", "tcp", "tls", "ws", "wss", "sctp")
                        for form in (str.lower, str.upper)}


cdef str find_parameter(str parameters, str name, str separator):
    """The value of a parameter in ``a=b;c``: '' where it has none, None where it is absent."""
    if not parameters:
        return None
    if PyUnicode_IS_ASCII(parameters) and PyUnicode_IS_ASCII(name):
        return find_ascii(parameters, name, <char>separator[0])
    cdef str wanted = name.lower()
    for item in parameters.split(separator):
        key, _, value = (<str>item).partition("=")
        if (<str>key).strip().lower() == wanted:
            return (<str>value).strip()
    return None


cdef inline bint is_blank(const char c) noexcept nogil:
    return c == 32 or 9 <= c <= 13 or 28 <= c <= 31  # what str.strip() takes off ASCII text


cdef inline char lower(const char c) noexcept nogil:
    return c + 32 if 65 <= c <= 90 else c


cdef str find_ascii(str parameters, str name, char separator):
    """find_parameter() for the common case, without making a string of anything but the value."""
    cdef const char* base = <const char*>PyUnicode_1BYTE_DATA(parameters)
    cdef const char* wanted = <const char*>PyUnicode_1BYTE_DATA(name)
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(parameters), length = PyUnicode_GET_LENGTH(name)
    cdef Py_ssize_t at = 0, end, equals, key, key_end, i
    while at <= size:
        end = at
        equals = -1
        while end < size and base[end] != separator:
            if equals < 0 and base[end] == b"=":
                equals = end
            end += 1
        key, key_end = at, end if equals < 0 else equals
        while key < key_end and is_blank(base[key]):
            key += 1
        while key < key_end and is_blank(base[key_end - 1]):
            key_end -= 1
        if key_end - key == length:
            i = 0
            while i < length and lower(base[key + i]) == lower(wanted[i]):
                i += 1
            if i == length:
                at = end if equals < 0 else equals + 1
                while at < end and is_blank(base[at]):
                    at += 1
                while at < end and is_blank(base[end - 1]):
                    end -= 1
                return parameters[at:end]
        at = end + 1
    return None


@cython.freelist(64)
@cython.final
cdef class Uri:
    """A parsed URI; it never changes, ``replace`` makes another.

    Of schemes other than sip and sips, *user* is all that stands before the parameters (tel) or behind the scheme.
    """

    def __init__(self, str scheme="sip", str user="", str password="", str host="", int port=0, str parameters="",
                 str headers=""):
        self.scheme, self.user, self.password, self.host = scheme, user, password, host
        self.port, self.parameters, self.headers = port, parameters, headers

    @staticmethod
    def parse(str source not None):
        """Read a URI; MalformedMessage says what is wrong with it."""
        return parse_uri(source)

    def replace(self, **changes):
        """The same URI with other values for the named parts."""
        for name in ("scheme", "user", "password", "host", "port", "parameters", "headers"):
            changes.setdefault(name, getattr(self, name))
        return Uri(**changes)

    cpdef str parameter(self, str name):
        """Value of a URI parameter: '' where it is a flag, None where it is absent."""
        return find_parameter(self.parameters, name, ";")

    @property
    def transport(self):
        """The transport parameter in lower case, '' where absent."""
        if not self.parameters:
            return ""
        cdef str found = find_parameter(self.parameters, "transport", ";")
        if found is None:
            return ""
        known = TRANSPORTS.get(found)
        return found.lower() if known is None else known

    @property
    def is_sip(self):
        """Whether the scheme is sip or sips."""
        return self.scheme == "sip" or self.scheme == "sips"

    cpdef str aor(self):
        """The address-of-record ``user@host`` as a key: escapes resolved, host in lower case, no port."""
        if not self.is_sip:
            return self.user
        host = self.host.lower()
        return f"{decoded(self.user)}@{host}" if self.user else host

    cpdef bint equals(self, Uri other) except -1:
        """Compare by the rules of RFC 3261, 19.1.4."""
        if self.scheme != other.scheme:
            return False
        if not self.is_sip:
            return str(self).lower() == str(other).lower()
        if self.port != other.port or self.host.lower() != other.host.lower():
            return False
        if decoded(self.user) != decoded(other.user) or decoded(self.password) != decoded(other.password):
            return False
        return same_parameters(self, other) and same_headers(self.headers, other.headers)

    def __eq__(self, other):
        return isinstance(other, Uri) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))

    def __str__(self):
        if self._text is None:
            self._text = self._written()
        return self._text

    cdef str _written(self):
        cdef str out = self.scheme + ":" + self.user
        if self.is_sip:
            if self.password:
                out += ":" + self.password
            if self.user:
                out += "@"
            out += self.host
            if self.port:
                out += f":{self.port}"
        if self.parameters:
            out += ";" + self.parameters
        if self.headers:
            out += "?" + self.headers
        return out

    def __repr__(self):
        return f"Uri({str(self)!r})"


cdef dict table_of(str source, str separator):
    cdef dict table = {}
    for item in source.split(separator):
        if item:
            key, _, value = (<str>item).partition("=")
            table[decoded(key).lower()] = decoded(value)
    return table


cdef bint same_parameters(Uri one, Uri other) except -1:
    """Parameters in both must match; user, ttl, method, maddr and transport must not stand in one URI alone."""
    if not one.parameters and not other.parameters:
        return True
    cdef dict a = table_of(one.parameters, ";"), b = table_of(other.parameters, ";")
    for name in a.keys() | b.keys():
        if name in a and name in b:
            if (<str>a[name]).lower() != (<str>b[name]).lower():
                return False
        elif name in ("user", "ttl", "method", "maddr", "transport"):
            return False
    return True


cdef bint same_headers(str one, str other) except -1:
    """Header components are never ignored; their order does not count."""
    if not one and not other:
        return True
    return table_of(one, "&") == table_of(other, "&")


cpdef Uri parse_uri(str source):
    """Read a URI; MalformedMessage says what is wrong with it."""
    cdef Py_ssize_t n
    cdef UriSpan span
    cdef bytes raw
    cdef const char* s
    if source.isascii():
        s = PyUnicode_AsUTF8AndSize(source, &n)
    else:
        raw = source.encode("utf-8", "surrogateescape")
        s = raw
        n = len(raw)
    cdef const char* fault = read_uri(s, s + n, &span)
    if fault != NULL:
        raise MalformedMessage(f"{(<bytes>fault).decode()}: {source!r}")
    cdef Uri uri = Uri.__new__(Uri)
    uri._text = source
    if span.kind == SIP:
        uri.scheme = "sip"
    elif span.kind == SIPS:
        uri.scheme = "sips"
    elif span.kind == TEL:
        uri.scheme = "tel"
    else:
        uri.scheme = text(span.scheme.start, span.scheme.end).lower()
    uri.user = text(span.user.start, span.user.end)
    uri.password = text(span.password.start, span.password.end)
    uri.host = text(span.host.start, span.host.end)
    uri.parameters = text(span.parameters.start, span.parameters.end)
    uri.headers = text(span.headers.start, span.headers.end)
    uri.port = span.port
    return uri


cdef str header_parameter(str parameters, str name):
    """A parameter of a header value; quoted strings may hold semicolons."""
    cdef Py_ssize_t n
    cdef Parameter p
    if not parameters:
        return None
    cdef bytes raw = parameters.encode("utf-8", "surrogateescape")
    cdef const char* s = raw
    cdef const char* e = s + len(raw)
    cdef str wanted = name.lower()
    s -= 1  # next_parameter skips the semicolon that is not there
    while s != NULL and s < e:
        s = next_parameter(s, e, &p)
        if s != NULL and text(p.name.start, p.name.end).lower() == wanted:
            return unfold(p.value.start, p.value.end)
        if s != NULL and s < e and s[0] != b";":
            return None
    return None


cpdef object delta_seconds(str value):
    """A number of seconds: 3600 where malformed (RFC 3261, 10.3), the largest there is where larger."""
    cdef bytes raw = value.encode("utf-8", "surrogateescape")
    cdef const char* s = raw
    cdef long long seconds = number(s, s + len(raw), 4294967295)
    if seconds == -1:
        return 3600
    return 4294967295 if seconds < 0 else seconds


@cython.freelist(64)
@cython.final
cdef class NameAddr:
    """A value of From, To, Contact, Route or Record-Route; *display_name* is as written, with its quotes.

    *start*, *end*, *uri_start* and *uri_end* are offsets into the message that it was read from.
    """

    def __init__(self, str uri, str display_name="", str parameters=""):
        self.uri, self.display_name, self.parameters = uri, display_name, parameters
        self.start = self.end = self.uri_start = self.uri_end = -1

    @staticmethod
    def parse(str source not None):
        """Read one value; MalformedMessage says what is wrong with it."""
        cdef bytes raw = source.encode("utf-8", "surrogateescape")
        cdef const char* s = raw
        cdef AddressSpan span
        cdef const char* fault
        if raw.strip() == b"*":
            return NameAddr("*")
        fault = read_address(s, s + len(raw), &span)
        if fault == NULL and span.end != s + len(raw):
            raise MalformedMessage(f"more than one address: {source!r}")
        if fault != NULL:
            raise MalformedMessage(f"{(<bytes>fault).decode()}: {source!r}")
        return make_address(s, s, &span)

    cpdef str parameter(self, str name):
        """Value of a header parameter without quotes: '' where it is a flag, None where it is absent."""
        value = header_parameter(self.parameters, name)
        return unquoted(value) if value else value

    @property
    def tag(self):
        """The tag parameter, '' where absent."""
        return header_parameter(self.parameters, "tag") or ""

    @property
    def parsed_uri(self):
        """The URI in its parts, read once."""
        if self._parsed is None:
            self._parsed = parse_uri(self.uri)
        return self._parsed

    @property
    def display_text(self):
        """The display name without quotes and escapes."""
        return unquoted(self.display_name)

    @property
    def q(self):
        """Preference in thousandths, -1 where absent or malformed."""
        value = header_parameter(self.parameters, "q")
        try:
            preference = float(value) if value else -1.0
        except ValueError:
            return -1
        return round(preference * 1000) if 0 <= preference <= 1 else -1

    @property
    def expires(self):
        """The expires parameter in seconds; 3600 where malformed (RFC 3261, 10.3), None where absent."""
        value = header_parameter(self.parameters, "expires")
        return None if value is None else delta_seconds(value)

    def __eq__(self, other):
        return isinstance(other, NameAddr) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))

    def __str__(self):
        if self.uri == "*":
            return "*"
        out = f"{self.display_name} <{self.uri}>" if self.display_name else f"<{self.uri}>"
        return f"{out};{self.parameters}" if self.parameters else out

    def __repr__(self):
        return f"NameAddr({str(self)!r})"


cpdef str unquoted(str value):
    """*value* without the quotes around it and the escapes within."""
    if len(value) < 2 or not (value.startswith('"') and value.endswith('"')):
        return value
    value = value[1:len(value) - 1]
    if "\\" not in value:
        return value
    cdef list out = []
    cdef bint escaped = False
    for c in value:
        if c == "\\" and not escaped:
            escaped = True
            continue
        escaped = False
        out.append(c)
    return "".join(out)


cdef NameAddr make_address(const char* base, const char* start, AddressSpan* span):
    cdef NameAddr address = NameAddr.__new__(NameAddr)
    cdef const char* end = trim(start, span.end)
    address.display_name = unfold(span.display.start, span.display.end)
    address.uri = text(span.uri.start, span.uri.end)
    address.parameters = unfold(span.parameters.start, span.parameters.end)
    address.start = <int>(skip(start, end, SPACE) - base)
    address.end = <int>(end - base)
    address.uri_start = <int>(span.uri.start - base)
    address.uri_end = <int>(span.uri.end - base)
    return address


def parse_addresses(str source not None):
    """Read a comma-separated list of addresses (Contact, Route, Path ...)."""
    cdef bytes raw = source.encode("utf-8", "surrogateescape")
    cdef const char* s = raw
    cdef const char* e = s + len(raw)
    cdef const char* q
    cdef list out = []
    while s < e:
        q = value_end(s, e)
        out.append(NameAddr.parse(text(s, q).strip()))
        s = q + 1
    return out


@cython.freelist(32)
@cython.final
cdef class Via:
    """A Via value; *protocol* is the transport as written (``UDP``), *rport* 0 where asked for, None where absent."""

    @property
    def transport(self):
        """The transport in lower case."""
        return self.protocol.lower()

    cpdef str parameter(self, str name):
        """Value of a parameter: '' where it is a flag, None where it is absent."""
        return header_parameter(self.parameters, name)

    @staticmethod
    def parse(str source not None):
        """Read one value; MalformedMessage says what is wrong with it."""
        cdef bytes raw = source.encode("utf-8", "surrogateescape")
        cdef const char* s = raw
        cdef ViaSpan span
        cdef const char* fault = read_via(s, s + len(raw), &span)
        if fault != NULL:
            raise MalformedMessage(f"{(<bytes>fault).decode()}: {source!r}")
        if span.end != s + len(raw):
            raise MalformedMessage(f"more than one Via value: {source!r}")
        return make_via(s, s, &span)

    def __str__(self):
        out = f"SIP/2.0/{self.protocol} {self.host}"
        if self.port:
            out += f":{self.port}"
        return f"{out};{self.parameters}" if self.parameters else out

    def __repr__(self):
        return f"Via({str(self)!r})"


cdef Via make_via(const char* base, const char* start, ViaSpan* span):
    cdef Via via = Via.__new__(Via)
    cdef const char* end = trim(start, span.end)
    via.protocol = text(span.transport.start, span.transport.end)
    via.host = text(span.host.start, span.host.end)
    via.port = span.port
    via.branch = text(span.branch.start, span.branch.end)
    via.received = text(span.received.start, span.received.end)
    via.rport = span.rport if span.rport >= 0 else None
    via.parameters = unfold(span.parameters.start, span.parameters.end)
    via.start = <int>(skip(start, end, SPACE) - base)
    via.end = <int>(end - base)
    return via
