"""A checking process for the sample worker: "broken" in the file is its one error, "port=N" where to listen."""
import json
import os
import sys

from opensips_py.server.boot import BoundListener
from opensips_py.server.description import Description

with open(sys.argv[1], encoding="utf-8") as config:
    words = config.read().split()
overrides = json.loads(sys.argv[sys.argv.index("--overrides") + 1])
port = next((int(word.removeprefix("port=")) for word in words if word.startswith("port=")), 0)
description = Description(
    errors=["sample.cfg:1:1: it is broken"] if "broken" in words else [], notes=["a note"] if "note" in words else [],
    listeners=[BoundListener("udp", "127.0.0.1", port)], workers_asked=overrides.get("udp_workers", 1),
    foreground="foreground" in words)
os.write(int(sys.argv[sys.argv.index("--json") + 1]), description.dump().encode())
