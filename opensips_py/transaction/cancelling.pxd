from opensips_py.sip._scan cimport Response
from opensips_py.transaction._record cimport Branch, Cancel, Transaction
from opensips_py.transaction.layer cimport TransactionLayer

cpdef object cancel_all(TransactionLayer layer, Transaction transaction, Branch but=*)
