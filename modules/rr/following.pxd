from opensips_py.sip._scan cimport Request
from opensips_py.sip._uri cimport NameAddr, Uri
