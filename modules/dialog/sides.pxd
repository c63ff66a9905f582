from opensips_py.dialog.record cimport Dialog
from opensips_py.sip._scan cimport Request, Response
from opensips_py.transaction._record cimport Branch, Transaction

cpdef tuple facts_of(Transaction transaction, Branch branch, Response response, bint bodies)
cpdef list told(Transaction transaction, Branch branch, Request request, Response response)
