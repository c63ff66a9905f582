"""Sixty seconds of registrations, calls and OPTIONS; leaves CSV files and an HTML report in loadtest/results.

    python loadtest/run.py [--host 127.0.0.1:5060] [--users 100] [--rate 20] [--seconds 60]

Loads the server at --host; where none answers there, one is started on cfg/residential.cfg for the time of the load.
Traffic goes to this machine only.
"""
from __future__ import annotations

import argparse
import contextlib
import ipaddress
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
USERS = ["options.py", "registering.py", "calling.py"]
PROBE = ("OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKprobe{now};rport\r\n"
         "Max-Forwards: 70\r\nFrom: <sip:probe@{host}>;tag=1\r\nTo: <sip:{host}>\r\nCall-ID: probe{now}\r\n"
         "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")


def answers(host: str, port: int) -> bool:
    """Whether a SIP server is there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.3)
        with contextlib.suppress(OSError):
            sock.connect((host, port))
            own = "{}:{}".format(*sock.getsockname())
            sock.send(PROBE.format(host=host, port=port, own=own, now=time.monotonic_ns()).encode())
            return sock.recv(4096).startswith(b"SIP/2.0 ")
    return False


@contextlib.contextmanager
def server(host: str, port: int):
    """The server at *host*, or one of our own while the block runs."""
    if answers(host, port):
        yield
        return
    if (host, port) != ("127.0.0.1", 5060):
        sys.exit(f"no SIP server answers at {host}:{port}")
    with tempfile.TemporaryDirectory(prefix="loadtest-") as state:
        process = subprocess.Popen([sys.executable, "-m", "opensips_py", "-F", "-E", "-f", "cfg/residential.cfg"],
                                   cwd=ROOT, env={**os.environ, "OPENSIPS_PY_STATE_DIR": state},
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            limit = time.monotonic() + 20
            while not answers(host, port):
                if process.poll() is not None or time.monotonic() > limit:
                    sys.exit("the server did not come up: try `make run`")
            yield
        finally:
            process.terminate()
            process.wait(10)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1:5060", help="the server, host:port (default 127.0.0.1:5060)")
    parser.add_argument("--users", type=int, default=100, help="simulated users (default 100)")
    parser.add_argument("--rate", type=int, default=20, help="users started a second (default 20)")
    parser.add_argument("--seconds", type=int, default=60, help="length of the load (default 60)")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "loadtest" / "results")
    args = parser.parse_args()
    host, _, port = args.host.partition(":")
    if not ipaddress.ip_address(host).is_loopback:
        sys.exit(f"{host} is not a loopback address: load only servers of this machine")
    args.results.mkdir(parents=True, exist_ok=True)
    with server(host, int(port or 5060)):
        files = ",".join(str(ROOT / "loadtest" / name) for name in USERS)
        return subprocess.call(
            [sys.executable, "-m", "locust", "-f", files, "--headless", "--host", args.host, "-u", str(args.users),
             "-r", str(args.rate), "-t", f"{args.seconds}s", "--stop-timeout", "5", "--csv", str(args.results / "load"),
             "--html", str(args.results / "load.html"), "--only-summary"], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
