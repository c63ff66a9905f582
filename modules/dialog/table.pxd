from opensips_py.dialog.record cimport Dialog
from opensips_py.modules.dialog.sides cimport facts_of, told
from opensips_py.sip._scan cimport Request, Response
from opensips_py.transaction._record cimport Branch, Transaction


cdef class Dialogs:
    cdef public object module, store, sizes, shares, observers, overdue, _numbers
    cdef public dict by_did, by_call, hung_up_before, unwritten
    cdef public bint writing

    cpdef object add(self, Dialog dialog)
    cpdef object ring(self, Dialog dialog, Transaction transaction, Branch branch, Response response)
    cpdef object answer(self, Dialog dialog, Transaction transaction, Branch branch, Response response)
    cpdef object begin(self, Dialog dialog, Request request, Response response, tuple facts)
    cpdef object leaving(self, Dialog dialog)
