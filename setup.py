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
CORES = len(os.sched_getaffinity(0))
COMMON = {"language_level": "3", "boundscheck": CHECKED, "auto_pickle": False, "autotestdict": False}
CORE = {**COMMON, "wraparound": False, "cdivision": True}
# Two kinds of source: the core, written in Cython, and plain Python on the way of every message, which is compiled as
# it stands; the .pxd beside it says which names in its annotations are types of the core.
PLACES = ("_*", "*/_*", "*/[a-z]*", "modules/*/[_a-z]*")
SOURCES = {suffix: sorted(path for place in PLACES for path in pathlib.Path("opensips_py").glob(place + suffix))
           for suffix in (".pyx", ".pxd")}
PLAIN = [path.with_suffix(".py") for path in SOURCES[".pxd"] if path.with_suffix(".py").exists()]


def extensions(paths, directives):
    """The extension modules of *paths*."""
    made = [Extension(str(path.with_suffix("")).replace("/", "."), [str(path)], extra_compile_args=["-O2"])
            for path in paths]
    return cythonize(made, compiler_directives=directives, quiet=True, nthreads=CORES)


setup(options={"build_ext": {"parallel": CORES}},
      ext_modules=[*extensions(SOURCES[".pyx"], CORE), *extensions(PLAIN, COMMON)])
