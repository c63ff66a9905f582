"""A program: the real RTPProxy, of the package rtp.io, behind the control sockets that it has when it runs alone.

RTPProxy in a Python process has one private stream socket for commands. Here UDP (with cookies), a Unix and a TCP
socket lead there; the answers go back. What it has to tell goes to *notify*, a TCP port, where one is given.
"""
from __future__ import annotations

import os
import socket
import sys
import threading


def serve(port: int, path: str, notify: int) -> None:
    """Start RTPProxy and serve until the process is ended."""
    from rtp.io import rtpproxy
    proxy = rtpproxy()
    lock = threading.Lock()

    def ask(command: bytes) -> bytes:
        """The answer of RTPProxy; `notify` in a command is its own name for where it tells."""
        command = command.strip().replace(b"tcp:127.0.0.1:%d" % notify, proxy.rtpp_nsock_spec.encode())
        with lock:
            proxy.rtpp_sock.sendall(command + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                answer += proxy.rtpp_sock.recv(8192)
            return answer

    def datagrams(sock: socket.socket) -> None:
        while True:
            data, sender = sock.recvfrom(8192)
            cookie, _, command = data.partition(b" ")
            sock.sendto(cookie + b" " + ask(command), sender)

    def streams(sock: socket.socket) -> None:
        while True:
            stream, _ = sock.accept()
            with stream:
                if data := stream.recv(8192):
                    stream.sendall(ask(data))

    def tell() -> None:
        with socket.create_connection(("127.0.0.1", notify)) as stream:
            while data := proxy.rtpp_nsock.recv(8192):
                stream.sendall(data)

    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", port))
    tcp = socket.create_server(("127.0.0.1", port))
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    unix.bind(path)
    unix.listen()
    for target, argument in ((datagrams, udp), (streams, tcp), (streams, unix)):
        threading.Thread(target=target, args=(argument,), daemon=True).start()
    if notify:
        wait_for(notify)
        threading.Thread(target=tell, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()  # until whoever started us is gone
    os._exit(0)


def wait_for(port: int) -> None:
    """Wait until somebody listens at *port*: whoever started us says so by a line."""
    sys.stdout.write("waiting\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
