from opensips_py.modules.auth.verifying cimport Given, Held, Verifier, held_by, is_unchallenged
from opensips_py.sip.digest cimport Credentials, Password

cpdef object value_of(object run, object spec)
