from opensips_py.module.run cimport Run
from opensips_py.modules.auth._nonces cimport Nonces
from opensips_py.modules.auth.verifying cimport Verifier
from opensips_py.sip._digest cimport raw
from opensips_py.sip._scan cimport Request
from opensips_py.sip.digest cimport quote


cdef class Challenger:
    cdef readonly object log, signaling, served
    cdef readonly Verifier verifier
    cdef readonly Nonces nonces
