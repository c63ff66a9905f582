from opensips_py.sip._scan cimport Request
