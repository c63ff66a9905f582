"""A process that a supervisor can start: it echoes datagrams, and fails in the ways that its config file names."""
from gevent import monkey

monkey.patch_all()

from opensips_py.server import quick  # noqa: E402

quick.begin()

import os  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402
from gevent import socket  # noqa: E402

from opensips_py.server import boot as boot_module  # noqa: E402
from opensips_py.server.control import Control  # noqa: E402
from opensips_py.server.links import Links  # noqa: E402


def main() -> None:
    boot = boot_module.inherited()
    with open(boot.config, encoding="utf-8") as file:
        words = file.read().split()
    control = Control(boot)
    links = Links(boot.index, boot.links, gevent.spawn)
    links.on_call("pid", os.getpid)
    links.start()
    generation = [boot.generation]

    def prepare(number: int) -> None:
        with open(boot.config, encoding="utf-8") as file:
            wanted = file.read().split()
        if f"refuse{boot.index}" in wanted:
            raise ValueError("this one says no")
        if f"slow{boot.index}" in wanted:
            generation[0] = -1
            gevent.sleep(60)

    def commit(number: int) -> None:
        with open(boot.config, encoding="utf-8") as file:
            if f"stay{boot.index}" in file.read().split():
                generation[0] = -2
                gevent.sleep(60)
        generation[0] = number

    control.on_prepare, control.on_commit = prepare, commit
    control.on_stop = lambda seconds: gevent.sleep(60) if "stubborn" in words else None
    if f"fail{boot.index}" in words or f"fail{boot.index}@{boot.generation}" in words:
        control.fail("told to fail")
        sys.exit(1)
    if "slow-again" in words and boot.restarted:
        hold_up(60)
    if not control.ready():
        return
    control.beat()
    if "held-up" in words:
        hold_up(1.9)
    for listener in boot.listeners:
        if listener.fd >= 0:
            gevent.spawn(serve, socket.socket(fileno=listener.fd), boot, control, links, generation)
    control.stopped.wait()


def serve(sock: socket.socket, boot: boot_module.Boot, control: Control, links: Links, generation: list[int]) -> None:
    """Answers "pid", "generation", "index", "peers", and does "hang", "write" (hang in a transaction), "ps"."""
    while True:
        data, address = sock.recvfrom(1000)
        if data in (b"hang", b"write"):
            control.set_writing(data == b"write")
            hold_up(30.0)
        answer = {b"pid": lambda: os.getpid(), b"generation": lambda: generation[0], b"index": lambda: boot.index,
                  b"restarted": lambda: boot.restarted,
                  b"peers": lambda: sorted(links.call_each(links.peers, "pid").items()),
                  b"reload": lambda: control.ask("reload"),
                  b"roll": lambda: control.ask("rolling_restart"),
                  b"ps": lambda: [row["Type"] for row in control.ask("ps")["processes"]]}[data]
        gevent.spawn(lambda answer=answer, address=address: sock.sendto(repr(answer()).encode(), address))


def hold_up(seconds: float) -> None:
    """Let nothing else happen in this process."""
    monkey.get_original("time", "sleep")(seconds)


if __name__ == "__main__":
    main()
    quick.end(0)
