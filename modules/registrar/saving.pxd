from libc.stdint cimport int64_t, uint32_t

from opensips_py.module.run cimport Run
from opensips_py.modules.registrar cimport contacts
from opensips_py.modules.registrar.flags cimport SaveFlags
from opensips_py.modules.registrar.registration cimport Registration
from opensips_py.sip._scan cimport Request
from opensips_py.sip._uri cimport NameAddr, Uri
from opensips_py.state._bindings cimport Binding, made
from opensips_py.state._words cimport Counter


cdef class Saver:
    cdef readonly object log, usrloc, signaling, accepted_regs, rejected_regs
    cdef readonly int64_t cseq_delay, default_expires, min_expires, max_expires, deviation, max_contacts, retry_after
    cdef readonly int64_t max_username_len, max_domain_len, max_aor_len, max_contact_len
    cdef readonly int matching_mode, default_q, tcp_persistent_flag
    cdef readonly uint32_t nat_flags
    cdef readonly bint use_domain, allow_duplicate, case_sensitive, makes_gruus
    cdef readonly str realm_prefix, sock_hdr_name, received_param, gruu_secret
    cdef readonly object received_avp, attr_avp, mcontact_avp

    cpdef object save(self, Run run, str domain, SaveFlags flags, str aor, str tag)
    cpdef bytes process(self, Run run, Request request, str domain, SaveFlags flags, str aor_text, str tag)
    cpdef Registration registration(self, Run run, Request request, list[NameAddr] named, SaveFlags flags, str path, str tag,
                                    object table, int64_t now)
    cpdef object refine(self, Binding binding, Request request, NameAddr contact, Registration change)
    cpdef tuple received(self, Request request, Run run, SaveFlags flags, str path)
    cpdef tuple path(self, Request request, SaveFlags flags)
    cpdef str aor(self, Uri uri)
