"""The page on testing, followed word by word in a folder of its own."""
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIPP = ROOT / "tests" / "scenarios" / "sipp"


def test_all_its_tests_pass(tmp_path):
    text = (ROOT / "docs" / "testing.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "test_office.py").write_text("\n".join(blocks))
    for each in (ROOT / "docs" / "tutorial.cfg", SIPP / "call_user.xml", SIPP / "answer.xml"):
        shutil.copy(each, tmp_path)
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], cwd=tmp_path,
                         env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert f"{sum(each.count('def test_') for each in blocks)} passed" in run.stdout, run.stdout + run.stderr
