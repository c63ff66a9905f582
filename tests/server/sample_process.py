"""What a supervisor starts, without anything of a server: it says who it is, and what it is told."""
import os
import socket
import sys

from opensips_py.server import boot as boot_module
from opensips_py.server import channel


def main() -> int:
    boot = boot_module.inherited()
    control = socket.socket(fileno=boot.control_fd)
    control.setblocking(True)
    control.send(channel.encode("here", index=boot.index, generation=boot.generation, pid=os.getpid(),
                                group=os.getpgrp()))
    while True:
        packet, fds, _, _ = socket.recv_fds(control, channel.PACKET, 10)
        if not packet:
            return 0
        message = channel.decode(packet)
        command = message.pop("command")
        if command == "stop":
            return 5
        if command == "echo":
            control.send(channel.encode("echoed", **message))
        elif command == "prepare":
            with socket.socket(fileno=fds[0]) as taken:
                control.send(channel.encode("preparing", generation=message["generation"], removed=message["removed"],
                                            number=message["added"][0]["number"], port=taken.getsockname()[1]))


if __name__ == "__main__":
    sys.exit(main())
