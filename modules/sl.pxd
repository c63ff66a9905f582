from opensips_py.sip._build cimport build_response
from opensips_py.sip._scan cimport Request
from opensips_py.state._words cimport Keyed
from opensips_py.transaction.layer cimport TransactionLayer
from opensips_py.transaction.replying cimport own_headers, prepared
from opensips_py.transaction.targets cimport response_target
