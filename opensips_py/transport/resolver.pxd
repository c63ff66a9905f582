from opensips_py.sip._uri cimport Uri
from opensips_py.transport.target cimport Target
