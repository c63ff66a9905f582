"""What routes that wait cost the others: answers to quick requests are timed with and without slow ones beside them.

    python -m loadtest.waiting [--rate 500] [--seconds 20] [--slow 10]

Quick requests are answered at once, *slow* ones a second wait two seconds each, in turn for an HTTP server, for a
program, and both asynchronously. Prints the delays of the quick ones; ends with 1 where any was lost, where a slow one
did not wait, or where the slow ones add more than 20 ms to the 99.9th percentile of the quick ones.
"""
from __future__ import annotations

import argparse
import http.server
import select
import socket
import sys
import threading
import time

from tests.live import Server

WAIT = 2.0  # seconds that a slow route waits
ADDED = 0.020  # seconds that may be added
SCRIPT = """
socket=udp:127.0.0.1:@PORT@
log_level=-1
stderror_enabled=yes
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "rest_client.so"
loadmodule "exec.so"
route {{
	if ($rU == "0") rest_get("http://127.0.0.1:{http}/", $var(body));
	if ($rU == "1") exec("sleep 2; echo", , $var(out));
	if ($rU == "2") async(rest_get("http://127.0.0.1:{http}/", $avp(body)), answer);
	if ($rU == "3") async(exec("sleep 2; echo", , $avp(out)), answer);
	sl_send_reply(200, "OK");
}}
route[answer] {{
	sl_send_reply(200, "OK");
}}
"""


class Late(http.server.BaseHTTPRequestHandler):
    """Answers late."""

    def do_GET(self) -> None:
        """One answer."""
        time.sleep(WAIT)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def message(user: str, number: int, port: int) -> bytes:
    """A request; its Call-ID is its number."""
    via = f"SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{user}-{number}"
    return (f"OPTIONS sip:{user}@127.0.0.1 SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:load@127.0.0.1>;tag=1\r\nTo: <sip:{user}@127.0.0.1>\r\n"
            f"Call-ID: {user}-{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n").encode()


def delays(server: int, rate: int, seconds: float, slow: int) -> tuple[list[float], int]:
    """The delays of the quick requests, in order of length, and how many of all were never answered, or too early."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.connect(("127.0.0.1", server))
        client.setblocking(False)
        port = client.getsockname()[1]
        sent: dict[bytes, float] = {}
        found: list[float] = []
        began = time.perf_counter()
        quick = slowly = early = 0
        while (now := time.perf_counter()) < began + seconds + WAIT + 2 and (now < began + seconds or sent):
            passed = min(now - began, seconds)
            while quick < passed * rate:
                client.send(message("quick", quick, port))
                sent[b"quick-%d" % quick] = time.perf_counter()
                quick += 1
            while slowly < passed * slow:
                client.send(message(str(slowly % 4), slowly, port))
                sent[b"%d-%d" % (slowly % 4, slowly)] = time.perf_counter()
                slowly += 1
            if select.select([client], [], [], max(0.0, began + quick / rate - time.perf_counter()))[0]:
                answer = client.recv(65536)
                name = answer.partition(b"Call-ID: ")[2].partition(b"\r\n")[0]
                at = sent.pop(name, None)
                if at is not None and name.startswith(b"quick"):
                    found.append(time.perf_counter() - at)
                elif at is not None and time.perf_counter() - at < WAIT:
                    early += 1
        return sorted(found), len(sent) + early


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=500, help="quick requests a second (default 500)")
    parser.add_argument("--seconds", type=float, default=20, help="of each of the two measurements (default 20)")
    parser.add_argument("--slow", type=int, default=10, help="slow requests a second (default 10)")
    args = parser.parse_args()
    late = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Late)
    late.daemon_threads = True
    threading.Thread(target=late.serve_forever, daemon=True).start()
    percentiles = {}
    lost = 0
    print(f"{'':>10} {'requests':>9} {'lost':>5} {'median ms':>10} {'99 %':>8} {'99.9 %':>8} {'longest':>8}")
    with Server(SCRIPT.format(http=late.server_port)) as server:
        delays(server.port, args.rate, 2, 0)
        for title, slow in (("alone", 0), ("with slow", args.slow)):
            found, missing = delays(server.port, args.rate, args.seconds, slow)
            at = [found[min(int(len(found) * part), len(found) - 1)] for part in (0.5, 0.99, 0.999, 1)]
            percentiles[title] = at[2]
            lost += missing
            print(f"{title:>10} {len(found):>9} {missing:>5} " + " ".join(
                f"{each * 1000:>{width}.1f}" for each, width in zip(at, (10, 8, 8, 8), strict=True)), flush=True)
    added = percentiles["with slow"] - percentiles["alone"]
    print(f"added to the 99.9th percentile: {added * 1000:.1f} ms (allowed: {ADDED * 1000:.0f})")
    return 1 if lost or added > ADDED else 0


if __name__ == "__main__":
    sys.exit(main())
