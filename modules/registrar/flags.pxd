cdef class SaveFlags:
    cdef readonly bint memory_only, no_reply, force, path_received, only_request, socket_header
    cdef readonly object max_contacts, matching, path, min_expires, max_expires
