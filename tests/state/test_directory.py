"""Secrets and the mark of a clean stop."""
from __future__ import annotations

import json
import pathlib
import stat

from opensips_py.state.directory import Secrets, begin, current_boot, end, secrets


def test_secrets_are_made_once_and_only_the_owner_reads_them(tmp_path: pathlib.Path) -> None:
    first = secrets(tmp_path)
    assert secrets(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["keys"]
    assert len(first.key) == 16 and len(first.nonce) == 32 and first.multiplier % 2 == 1
    assert Secrets.new() != first


def test_state_of_a_killed_server_is_kept_within_one_boot(tmp_path: pathlib.Path) -> None:
    assert begin(tmp_path, "boot-1") == ""
    (tmp_path / "bindings.mdb").write_text("data")
    assert begin(tmp_path, "boot-1") == ""
    assert (tmp_path / "bindings.mdb").exists()


def test_state_of_another_boot_is_used_only_after_a_clean_stop(tmp_path: pathlib.Path) -> None:
    begin(tmp_path, "boot-1")
    (tmp_path / "bindings.mdb").write_text("data")
    end(tmp_path, "boot-1")
    assert begin(tmp_path, "boot-2") == ""
    assert (tmp_path / "bindings.mdb").read_text() == "data"
    kept = secrets(tmp_path)
    (tmp_path / "bindings.mdb-lock").write_text("")
    assert "starts empty" in begin(tmp_path, "boot-3")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["boot", "keys"]
    assert secrets(tmp_path) == kept


def test_a_torn_mark_counts_as_none(tmp_path: pathlib.Path) -> None:
    (tmp_path / "boot").write_text('{"boot": "bo')
    (tmp_path / "bindings.mdb").write_text("data")
    assert "starts empty" in begin(tmp_path)
    found = json.loads((tmp_path / "boot").read_text())
    assert (found["boot"], found["clean"]) == (current_boot(), False)
