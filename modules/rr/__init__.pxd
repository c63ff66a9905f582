from opensips_py.module.run cimport Run
from opensips_py.modules.rr.following cimport Follower
from opensips_py.modules.rr.path cimport Path, path_of
from opensips_py.modules.rr.record cimport Preset, Record
from opensips_py.sip._scan cimport Request
