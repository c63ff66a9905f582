from opensips_py.sip._scan cimport Request
from opensips_py.sip._uri cimport NameAddr, Uri
from opensips_py.transaction._record cimport Branch, Transaction, answers_source, names_maddr, sent_by_port
from opensips_py.transaction.layer cimport TransactionLayer
from opensips_py.transport.listener cimport Listener
from opensips_py.transport.target cimport Target, datagram_target

cpdef Target response_target(Request request)
cpdef int settle(Branch branch, Target target) except? -1
