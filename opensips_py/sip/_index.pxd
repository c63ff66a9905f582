from opensips_py.sip._edits cimport Edits
from opensips_py.sip._grammar cimport AddressSpan, Span, ViaSpan
from opensips_py.sip._uri cimport NameAddr, Uri, Via

cdef struct Slot:  # one header; offsets into the message
    int start
    int value
    int value_end
    int end  # behind the line end, with all folded lines
    int name_length
    int id

cdef class Index:

    cdef readonly bytes data
    cdef public object listener, source, connection
    cdef public dict context
    cdef public double received_at
    cdef readonly bint is_request
    cdef readonly int body_offset
    cdef const char* base
    cdef const char* why  # the first fault
    cdef int why_status
    cdef int size, line_end, headers_end
    cdef int count, capacity
    cdef Slot* slots
    cdef Slot small[32]
    cdef short first[64]
    cdef Span method_span, uri_span, reason_span, cseq_span
    cdef readonly int cseq  # the number in CSeq
    cdef int status_code, forwards, declared_length
    cdef bint forwards_set, line_changed
    cdef ViaSpan via
    cdef AddressSpan from_span, to_span
    # What finds the transaction; tags and branch are '' where there is none. The method of a response is that of CSeq.
    cdef readonly str method, cseq_method, from_tag, to_tag, via_branch
    cdef public str call_id  # as this server knows it: a module may undo what it was encoded with
    cdef str _source_host
    cdef NameAddr _from, _to
    cdef Via _top_via
    cdef Edits _edits
    # of requests; here, because only types of one size share a freelist
    cdef str _uri, _original_uri
    cdef Uri _parsed
    cdef public str destination, path
    cdef public object send_socket
    cdef public unsigned int flags, branch_flags  # 32 of each, the script names them
    cdef public int q
    cdef public bint force_rport
    cdef public list branches

    cdef void fail(self, const char* why, int status) noexcept
    cdef void no_start_line(self) noexcept
    cdef int load(self, bytes data) except -1
    cdef int read_start_line(self, const char* s, const char* e) noexcept
    cdef void read_request_line(self, const char* s, const char* e, const char* version) noexcept
    cdef void read_status_line(self, const char* s, const char* e) noexcept
    cdef void check_request_uri(self) noexcept
    cdef int read_headers(self, const char* s, const char* e) except -1
    cdef int grow(self) except -1
    cdef void check_header(self, Slot* slot) noexcept
    cdef const char* check_value(self, int id, const char* s, const char* e, bint top) noexcept
    cdef const char* check_vias(self, const char* s, const char* e, bint top) noexcept
    cdef const char* check_cseq(self, const char* s, const char* e) noexcept
    cdef void check_whole(self) noexcept
