"""Builds the compiled core; everything else is declared in setup.cfg."""
import os
import pathlib
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

if not pathlib.Path("opensips_py/modules").is_dir():
    sys.exit("opensips_py/modules must be a link to ../modules, and is not a folder here: an unpacked zip archive "
             "loses the link. Clone the repository with git, or run: ln -sfn ../modules opensips_py/modules")

CHECKED = bool(os.environ.get("OPENSIPS_PY_BOUNDSCHECK"))  # the test build checks every index
SOURCES = sorted(pathlib.Path("opensips_py").glob("*/_*.pyx")) + sorted(pathlib.Path("opensips_py").glob("_*.pyx"))
setup(ext_modules=cythonize(
    [Extension(str(p.with_suffix("")).replace("/", "."), [str(p)], extra_compile_args=["-O2"]) for p in SOURCES],
    compiler_directives={"language_level": "3", "boundscheck": CHECKED, "wraparound": False, "cdivision": True,
                         "auto_pickle": False, "autotestdict": False},
    quiet=True))
