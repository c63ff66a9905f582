from opensips_py.dialog.record cimport Dialog

cpdef bytes key_of(Dialog dialog)
