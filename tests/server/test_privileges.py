import grp
import os
import pwd
import subprocess
import sys

import pytest

from opensips_py.errors import ConfigError
from opensips_py.server import privileges

ROOT = os.geteuid() == 0


def test_names_and_numbers_stand_for_identities():
    entry = pwd.getpwnam("nobody")
    assert privileges.identity("nobody", "").uid == entry.pw_uid
    assert privileges.identity(str(entry.pw_uid), "").gid == entry.pw_gid
    assert privileges.identity("", "").is_ours
    group = grp.getgrall()[1]
    assert privileges.identity("", group.gr_name).gid == privileges.identity("", str(group.gr_gid)).gid == group.gr_gid


@pytest.mark.parametrize("user, group, words", [
    ("no-such-user", "", "no user 'no-such-user'"), ("", "no-such-group", "no group 'no-such-group'")])
def test_unknown_names_are_named(user, group, words):
    with pytest.raises(ConfigError, match=words):
        privileges.identity(user, group)


def test_what_is_missing_or_unreadable_is_named(tmp_path):
    ours = privileges.identity("", "")
    config = tmp_path / "a.cfg"
    assert privileges.unreadable(ours, str(config)) == f"the configuration {config} does not exist"
    config.write_text("")
    assert privileges.unreadable(ours, str(config)) is None


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
def test_what_another_user_cannot_read_is_named(tmp_path):
    config = tmp_path / "a.cfg"
    config.write_text("")
    config.chmod(0o600)
    words = privileges.unreadable(privileges.identity("nobody", ""), str(config))
    assert words is not None and "cannot be read by this user" in words
    assert os.geteuid() == 0


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
def test_root_is_given_up_for_good():
    program = ("import os; from opensips_py.server import privileges as p; p.drop(p.identity('nobody', ''));"
               "print(os.getuid(), os.geteuid());\ntry: os.setuid(0)\nexcept PermissionError: print('never')")
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    number = str(pwd.getpwnam("nobody").pw_uid)
    assert told == [number, number, "never"]
