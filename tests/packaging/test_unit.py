import pathlib
import shutil
import subprocess

import pytest

UNIT = pathlib.Path(__file__).parents[2] / "packaging" / "opensips-py.service"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
def test_systemd_is_content_with_the_unit():
    told = subprocess.run(["systemd-analyze", "verify", str(UNIT)], capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stdout + told.stderr) == (0, "")
