from opensips_py.dialog.record cimport Dialog
from opensips_py.sip._scan cimport Request

cpdef str parameter(str parameters, str name)
cpdef object side_of(Dialog dialog, Request request)
