from opensips_py.dialog.record cimport Dialog
from opensips_py.module.run cimport Run
from opensips_py.sip._scan cimport Request

cpdef object dialog_at(object message)
