import os

from opensips_py.server import boot
from opensips_py.server.boot import Boot, BoundListener, Logging


def test_a_process_reads_what_the_supervisor_wrote(monkeypatch):
    spare = os.memfd_create("spare")
    written = Boot("a.cfg", 0, 2, overrides={"log_level": 4}, links={1: spare, -1: spare},
                   listeners=[BoundListener("udp", "127.0.0.1", 5060, tag="a", fd=spare)],
                   logging=Logging(to_syslog=True))
    os.set_inheritable(spare, True)
    monkeypatch.setenv(boot.FD_VARIABLE, str(boot.place(written)))
    assert boot.inherited() == written
    assert boot.FD_VARIABLE not in os.environ
    assert not os.get_inheritable(spare)
    os.close(spare)


def test_only_the_management_process_has_no_calls():
    assert Boot("a.cfg", boot.MANAGEMENT, 1).is_management
    assert not Boot("a.cfg", 0, 1).is_management
