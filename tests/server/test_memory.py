"""What the kernel says of memory."""
import mmap
import os
import subprocess

from opensips_py.server import memory


def test_pages_of_our_own_count():
    before = memory.private()
    held = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE)
    held.write(b"x" * (64 << 20))
    after = memory.private()
    assert after.used - before.used >= 60 << 20
    assert after.resident >= after.used and after.highest >= after.resident
    assert memory.areas() > 0
    held.close()
    assert memory.private().used < after.used


def test_another_process_and_none():
    with subprocess.Popen(["sleep", "60"]) as child:
        assert 0 < memory.private(child.pid).resident < memory.available()
        child.kill()
    assert memory.private(child.pid) == memory.Private(0, 0, 0) and memory.areas(child.pid) == 0


def test_the_smallest_limit_counts(tmp_path, monkeypatch):
    assert 0 < memory.available() <= memory.MACHINE
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    assert memory.available() == 1000000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() == min(memory.MACHINE, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
