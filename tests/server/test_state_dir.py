import os
import pathlib
import stat

import pytest

from opensips_py.errors import ConfigError
from opensips_py.server import state_dir


def test_each_configuration_and_first_listener_has_its_own(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    environ = {"XDG_STATE_HOME": "/home/me/state"}
    one = state_dir.location("/etc/a.cfg", "udp:127.0.0.1:5060", environ)
    assert one.startswith("/home/me/state/opensips-py/")
    assert one == state_dir.location("/etc/../etc/a.cfg", "udp:127.0.0.1:5060", environ)
    assert len({one, state_dir.location("/etc/b.cfg", "udp:127.0.0.1:5060", environ),
                state_dir.location("/etc/a.cfg", "udp:127.0.0.1:5061", environ)}) == 3
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_dir.location("/etc/a.cfg", "", environ).startswith("/var/lib/opensips-py/")


def test_it_is_private_and_locked_against_a_second_server(tmp_path):
    path = str(tmp_path / "a" / "b")
    lock = state_dir.prepare(path, os.getuid(), os.getgid())
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
    with pytest.raises(ConfigError, match="another server is running"):
        state_dir.prepare(path, os.getuid(), os.getgid())
    os.close(lock)
    os.close(state_dir.prepare(path, os.getuid(), os.getgid()))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_it_belongs_to_the_user_of_the_server(tmp_path):
    path = tmp_path / "state"
    os.close(state_dir.prepare(str(path), 0, 0))
    (path / "keys").write_text("")
    os.close(state_dir.prepare(str(path), 65534, 65534))
    assert {each.stat().st_uid for each in (path, path / "keys", path / "lock")} == {65534}


def test_a_place_that_cannot_be_is_named(tmp_path):
    pathlib.Path(tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        state_dir.prepare(str(tmp_path / "file" / "x"), os.getuid(), os.getgid())
