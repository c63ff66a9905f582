from opensips_py.sip._scan cimport Request, Response
from opensips_py.transaction._record cimport Branch, Cancel, Half, Timing, Transaction
from opensips_py.transaction.layer cimport TransactionLayer

cpdef object succeed(TransactionLayer layer, Transaction transaction, Branch branch, Response response)
cpdef object fail(TransactionLayer layer, Transaction transaction, Branch branch, Response response)
cpdef object settle(TransactionLayer layer, Transaction transaction)
