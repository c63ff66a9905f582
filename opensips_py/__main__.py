"""The command opensips-py: a dash first means the server, anything else the tool."""
from __future__ import annotations

import sys
from typing import NoReturn

from opensips_py.server import quick


def main() -> int:
    """Start what the command line asks for; the exit status."""
    if len(sys.argv) < 2 or (sys.argv[1].startswith("-") and sys.argv[1] != "--help"):
        from opensips_py.server import daemon  # the server loads no Typer, the tool loads both
        return daemon.main(sys.argv[1:])
    quick.begin()
    from opensips_py.cli import app
    quick.settled()
    app(prog_name="opensips-py")
    return 0


def run() -> NoReturn:
    """Do what the command line asks for, and end this process."""
    try:
        status = main()
    except SystemExit as over:
        if not isinstance(over.code, int):
            raise
        status = over.code
    quick.end(status)


if __name__ == "__main__":
    run()
