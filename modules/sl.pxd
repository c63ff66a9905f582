from opensips_py.sip._scan cimport Request
from opensips_py.transaction.layer cimport TransactionLayer
