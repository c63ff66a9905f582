from opensips_py.modules.usrloc.table cimport Table
from opensips_py.state._bindings cimport Binding, Change, Record

cdef tuple SLOTS


cdef class MemoryTable(Table):
    cdef readonly object _environment, _submit, _enlist, _database, _totals
    cdef readonly bytes _total_key

    cpdef bytes key(self, str aor)
