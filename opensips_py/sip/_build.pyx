"""Bytes to send: forwarded messages, responses, ACK, CANCEL and new requests."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy

from opensips_py.sip cimport _names as names
from opensips_py.sip._address cimport address_host, address_key, ipv4_number
from opensips_py.sip._edits cimport Plan
from opensips_py.sip._grammar cimport ViaSpan, encode, put_address, put_number, put_text, text
from opensips_py.sip._index cimport Slot
from opensips_py.sip._scan cimport Message, Request, Response, scan

cdef object IPV6 = 1 << 144  # address keys from here on
cdef int VIA_RANK = 0, ROUTES_RANK = 1, FORWARDS_RANK = 2  # above what the script inserts


cdef int via_source(Message m, Plan plan) except -1:
    """Complete the top Via with where the request came from (RFC 3261, 18.2.1; RFC 3581, 4)."""
    cdef ViaSpan* via = &m.via
    cdef char value[96]
    cdef const char* at
    cdef int n
    cdef unsigned int host, ip
    cdef unsigned long long key
    cdef bint wanted = via.rport >= 0 or m.force_rport
    if via.host.start == NULL or not m.source:
        return 0
    cdef bint four = m.source < IPV6
    if four:
        key = m.source
        ip = <unsigned int>(key >> 16)
        if not wanted and ipv4_number(via.host.start, via.host.end, &host) and host == ip \
                and via.received.start == NULL:
            return 0
        n = put_text(value, b";received=", 10)
        n += put_address(value + n, ip)
    else:
        name = address_host(m.source)
        if not wanted and via.received.start == NULL and same_address(text(via.host.start, via.host.end), name):
            return 0
        raw = (";received=" + name).encode("ascii")
        n = <int>len(raw)
        memcpy(value, <const char*>(<bytes>raw), n)
    if via.received.start != NULL:  # whatever the sender wrote there, only we know
        plan.add(<int>(via.received_parameter.start - m.base), <int>(via.received_parameter.end - m.base), b"", 0, 0)
    if wanted:
        n += put_text(value + n, b";rport=", 7)
        n += put_number(value + n, <unsigned long long>(key & 0xFFFF if four else m.source & 0xFFFF))
        if via.rport >= 0:
            at = via.rport_parameter.start
            while at[0] != b";":
                at -= 1
            plan.add(<int>(at - m.base), <int>(via.rport_parameter.end - m.base), b"", 0, 0)
    plan.add_bytes(<int>(via.host_end - m.base), <int>(via.host_end - m.base), value[:n], 0)
    return 0


cdef bint same_address(str one, str other) except -1:
    try:
        return address_key(one, 0) == address_key(other, 0)
    except ValueError:
        return False


cpdef bytes forward_request(Request request, bytes via, str uri=None, tuple edits=(), object outgoing=None,
                            int max_forwards=-1, bytes routes=b""):
    """The request as it goes on: a Via line on top, the received one completed, edits carried out.

    *uri* replaces the Request-URI, *routes* are header lines above the Route headers; *edits* come on top of the
    request's own. Max-Forwards is written when given or set on the request, and left as it is otherwise.
    """
    cdef Plan plan = request.plan_of(edits, outgoing)
    cdef int n, k
    if uri is None and request.line_changed:
        uri = request._uri
    if uri is not None:
        plan.add_bytes(<int>(request.uri_span.start - request.base), <int>(request.uri_span.end - request.base),
                       encode(uri), 0)
    plan.add(request.line_end, request.line_end, PyBytes_AS_STRING(via), PyBytes_GET_SIZE(via), VIA_RANK)
    via_source(request, plan)
    if PyBytes_GET_SIZE(routes):
        k = request.first[<int>names.ROUTE]
        n = request.line_end if k < 0 else request.slots[k].start
        plan.add(n, n, PyBytes_AS_STRING(routes), PyBytes_GET_SIZE(routes), ROUTES_RANK)
    if max_forwards < 0 and request.forwards_set:
        max_forwards = request.forwards
    if max_forwards >= 0:
        write_forwards(request, plan, max_forwards)
    request.fit_length(plan)
    return plan.build(request.base, request.size)


cdef int write_forwards(Request request, Plan plan, int value) except -1:
    cdef char line[40]
    cdef int k = request.first[<int>names.MAX_FORWARDS], n
    if k >= 0:
        n = put_number(line, value)
        plan.add_bytes(request.slots[k].value, request.slots[k].value_end, line[:n], 0)
    else:
        n = put_text(line, b"Max-Forwards: ", 14)
        n += put_number(line + n, value)
        n += put_text(line + n, b"\r\n", 2)
        plan.add_bytes(request.line_end, request.line_end, line[:n], FORWARDS_RANK)
    return 0


cpdef bytes forward_response(Response response, tuple edits=(), object outgoing=None):
    """The response as it goes on, without its top Via value (RFC 3261, 16.7 step 3) and with edits carried out."""
    cdef Plan plan = response.plan_of(edits, outgoing)
    cdef int k = response.first[<int>names.VIA], start
    cdef Slot* slot
    cdef const char* next_value
    if k >= 0 and response.via.host.start != NULL:
        slot = &response.slots[k]
        next_value = response.via.end
        if next_value < response.base + slot.value_end:
            next_value += 1
            while next_value[0] == b" " or next_value[0] == b"\t" or next_value[0] == b"\r" or next_value[0] == b"\n":
                next_value += 1
            plan.add(slot.value, <int>(next_value - response.base), b"", 0, 0)
        else:
            plan.add(slot.start, slot.end, b"", 0, 0)
    response.fit_length(plan)
    return plan.build(response.base, response.size)


cdef inline bint is_copied(int id, int status) noexcept nogil:
    """Headers that a response takes over (RFC 3261, 8.2.6.2; 12.1.1 for Record-Route; 8.2.6.1 for Timestamp)."""
    if id == names.VIA or id == names.FROM or id == names.TO or id == names.CALL_ID or id == names.CSEQ:
        return True
    if id == names.RECORD_ROUTE:
        return 100 < status < 300
    return id == names.TIMESTAMP and status == 100


cpdef bytes build_response(Request request, int status, str reason, str to_tag="", bytes headers=b"", bytes body=b"",
                           str content_type=""):
    """A response of ours; *to_tag* is added where To has none (not to a 100), *headers* are whole lines."""
    # made of the request: the start line replaced, headers that do not belong cut out, all behind them replaced
    cdef Plan plan = Plan.__new__(Plan)
    cdef char first[24]
    cdef char last[48]
    cdef bytes phrase = encode(reason)
    cdef int k, id, cut = request.line_end
    cdef Slot* slot
    k = put_text(first, b"SIP/2.0 ", 8)
    k += put_number(first + k, status)
    first[k] = b" "
    plan.add(0, request.line_end, first, k + 1, 0)
    plan.add_bytes(request.line_end, request.line_end, phrase, 0)
    plan.add(request.line_end, request.line_end, b"\r\n", 2, 1)
    via_source(request, plan)
    for k in range(request.count):
        slot = &request.slots[k]
        id = slot.id
        if not is_copied(id, status):
            continue
        if slot.start > cut:
            plan.add(cut, slot.start, b"", 0, 0)
        cut = slot.end
        if id == names.TO and to_tag and status > 100 and request.to_span.tag.start == NULL:
            plan.add(slot.value_end, slot.value_end, b";tag=", 5, 0)
            plan.add_bytes(slot.value_end, slot.value_end, encode(to_tag), 1)
    plan.add(cut, request.size, b"", 0, 0)
    if PyBytes_GET_SIZE(headers):
        plan.add(request.size, request.size, PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), 0)
    if content_type:
        plan.add_bytes(request.size, request.size, b"Content-Type: %s\r\n" % encode(content_type), 1)
    k = put_text(last, b"Content-Length: ", 16)
    k += put_number(last + k, PyBytes_GET_SIZE(body))
    k += put_text(last + k, b"\r\n\r\n", 4)
    plan.add(request.size, request.size, last, k, 2)
    plan.add(request.size, request.size, PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body), 3)
    return plan.build(request.base, request.size)


cpdef bytes via_lines(Request request):
    """The Via header lines of a request, the top one completed as in every response to it."""
    cdef Plan plan = Plan.__new__(Plan)
    cdef int k, cut = 0
    via_source(request, plan)
    for k in range(request.count):
        if request.slots[k].id == names.VIA:
            plan.add(cut, request.slots[k].start, b"", 0, 0)
            cut = request.slots[k].end
    plan.add(cut, request.size, b"", 0, 0)
    return plan.build(request.base, request.size)


cdef Request sent_request(object sent):
    message = sent if isinstance(sent, Request) else scan(sent)
    if not isinstance(message, Request) or (<Request>message).why != NULL:
        raise ValueError("not a request that was sent")
    return message


cdef bytes hop_request(Request sent, bytes method, bytes to_header, bytes headers):
    """A request of the same transaction as *sent*: its Request-URI, top Via, From, Call-ID, CSeq number and Routes."""
    cdef list out = [method, b" ", sent.base[sent.uri_span.start - sent.base:sent.uri_span.end - sent.base],
                     b" SIP/2.0\r\n"]
    cdef Slot* slot
    cdef int k
    cdef bint via_seen = False
    for k in range(sent.count):
        slot = &sent.slots[k]
        if slot.id == names.VIA and not via_seen:
            via_seen = True
            out.append(b"Via: " + sent.base[slot.value:sent.via.end - sent.base].rstrip() + b"\r\n")
        elif slot.id == names.TO and to_header is not None:
            out.append(to_header)
        elif slot.id == names.CSEQ:
            out.append(b"CSeq: %d %s\r\n" % (sent.cseq, method))
        elif slot.id == names.FROM or slot.id == names.TO or slot.id == names.CALL_ID or slot.id == names.ROUTE:
            out.append(sent.base[slot.start:slot.end])
    out.append(b"Max-Forwards: 70\r\n")
    out.append(headers)
    out.append(b"Content-Length: 0\r\n\r\n")
    return b"".join(out)


def build_ack(sent not None, Response response not None, bytes headers=b""):
    """The ACK for a response of 300 and up to the INVITE that was *sent* (RFC 3261, 17.1.1.3)."""
    cdef int k = response.first[<int>names.TO]
    cdef bytes to_header = None
    if k >= 0:
        to_header = response.base[response.slots[k].start:response.slots[k].end]
    return hop_request(sent_request(sent), b"ACK", to_header, headers)


def build_cancel(sent not None, bytes headers=b""):
    """The CANCEL for the INVITE that was *sent* (RFC 3261, 9.1)."""
    return hop_request(sent_request(sent), b"CANCEL", None, headers)


def build_request(str method not None, str uri not None, *, bytes via not None, str from_ not None, str to not None,
                  str call_id not None, int cseq, bytes headers=b"", bytes body=b"", str content_type="",
                  int max_forwards=70):
    """A new request; *via* and *headers* are whole lines, *from_* and *to* whole values."""
    lines = [encode(method), b" ", encode(uri), b" SIP/2.0\r\n", via,
             b"From: ", encode(from_), b"\r\nTo: ", encode(to), b"\r\nCall-ID: ", encode(call_id),
             b"\r\nCSeq: %d " % cseq, encode(method), b"\r\nMax-Forwards: %d\r\n" % max_forwards, headers]
    if content_type:
        lines.append(b"Content-Type: %s\r\n" % encode(content_type))
    lines.append(b"Content-Length: %d\r\n\r\n" % len(body))
    lines.append(body)
    return b"".join(lines)
