from opensips_py.sip._build cimport forward_request
from opensips_py.sip._scan cimport BranchTarget, Request
from opensips_py.transaction._record cimport Branch, Cancel, Half, Timing, Transaction
from opensips_py.transaction.layer cimport TransactionLayer

cpdef int relay_ack(TransactionLayer layer, Request request, str proxy) except? -1
cpdef object build(TransactionLayer layer, Transaction transaction, Branch branch, Request request)
cpdef tuple edits_of(Transaction transaction, Branch branch)
cpdef int send(TransactionLayer layer, Transaction transaction, Branch branch) except? -1
