"""A checking process for the sample worker: "broken" in the file is its one error."""
import os
import sys

from opensips_py.server.description import Description

with open(sys.argv[1], encoding="utf-8") as config:
    errors = ["sample.cfg:1:1: it is broken"] if "broken" in config.read() else []
os.write(int(sys.argv[sys.argv.index("--json") + 1]), Description(errors=errors).dump().encode())
