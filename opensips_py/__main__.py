"""The command opensips-py: a dash first means the server, anything else the tool."""
from __future__ import annotations

import sys


def main() -> int:
    """Start what the command line asks for; the exit status."""
    if len(sys.argv) < 2 or (sys.argv[1].startswith("-") and sys.argv[1] != "--help"):
        from opensips_py.server import daemon  # the server loads no Typer, the tool loads both
        return daemon.main(sys.argv[1:])
    from opensips_py.cli import app
    app(prog_name="opensips-py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
