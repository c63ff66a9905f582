cdef class Settings:
    cdef public bint auto_trying, block_on_6xx, ruri_matching, via_matching, dns_failover, translate_503, warns
    cdef public unsigned int minor_flag, stay_connected_branch, stay_connected_reply
    cdef public bytes reply_headers, request_headers
