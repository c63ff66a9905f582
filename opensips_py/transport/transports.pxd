from opensips_py.sip._scan cimport Request
from opensips_py.transport.target cimport Target
