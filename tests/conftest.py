"""For all tests: the processes that they start find bytecode, even where the environment says to leave none."""
import os

from tests.live import compiled_once

os.environ.update(compiled_once())
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
