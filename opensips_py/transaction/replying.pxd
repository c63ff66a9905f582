from opensips_py.sip._build cimport build_response, forward_response
from opensips_py.sip._scan cimport Request, Response
from opensips_py.transaction._record cimport Branch, Cancel, Half, Timing, Transaction
from opensips_py.transaction.layer cimport TransactionLayer

cpdef bytes own_headers(TransactionLayer layer, Request request)
cpdef tuple prepared(Request request)
