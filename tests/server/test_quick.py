"""A process that begins and ends quickly collects garbage once it is at work, and says all that it had to say."""
import os
import subprocess
import sys

PROGRAM = """
import atexit, gc, sys
from opensips_py.server import quick
class Kept:
    def __del__(self): print("taken apart")
kept = Kept()
quick.begin()
print(gc.isenabled())
quick.settled()
print(gc.isenabled(), gc.get_freeze_count() > 1000)
atexit.register(print, "registered")
sys.stderr.write("an error")
quick.end(3)
"""


def test_what_is_registered_and_written_comes_out_and_nothing_is_taken_apart():
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (3, "False\nTrue True\nregistered\n", "an error")


def test_nobody_listens_any_more():
    program = "from opensips_py.server import quick\ninput()\nprint('what nobody reads')\nquick.end(0)"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={**os.environ, "PYTHONUNBUFFERED": ""}) as child:
        assert child.stdin and child.stdout
        child.stdout.close()
        child.stdin.write(b"\n")
        child.stdin.close()
        assert child.wait(20) == 0
