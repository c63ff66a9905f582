from opensips_py.transport.listener cimport Listener

cpdef bytes via_line(Listener listener, str branch, dict context=*)
