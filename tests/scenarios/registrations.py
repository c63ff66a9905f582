"""Phones that register all the time, and what a server has of them."""
from __future__ import annotations

import re
import threading
import time

from tests.live import Server
from tests.scenarios.phone import Phone

BATCH = 50  # REGISTERs at once: no more than a socket buffer holds


class Registrations:
    """Phones that register again and again, and what the server acknowledged last."""

    def __init__(self, port: int, contact_port: int, users: list[str], patience: float = 10.0) -> None:
        self.patience = patience  # seconds for each answer
        self.phone = Phone(port)
        self.contact_port, self.users = contact_port, users
        self.said: dict[str, int] = dict.fromkeys(users, 0)  # CSeq of the last REGISTER, which its q-value shows
        self.acknowledged: dict[str, int] = {}
        self.rounds = 0
        self._over, self._done = threading.Event(), threading.Condition()

    def again(self, user: str) -> bytes:
        cseq = self.said[user]
        contact = f"<sip:{user}@127.0.0.1:{self.contact_port}>;q=0.{cseq:03d}"
        return self.phone.register(user, cseq, contact)

    def repeat(self, call_id: str) -> None:
        self.phone.send(self.again(call_id.removeprefix("reg-")))

    def round(self) -> None:
        """Every user registers once."""
        for first in range(0, len(self.users), BATCH):
            batch = self.users[first:first + BATCH]
            for user in batch:
                self.said[user] += 1
                self.phone.send(self.again(user))
            names = {f"reg-{user}": user for user in batch}
            for each in self.phone.take("200 REGISTER", names, self.patience, self.repeat):
                self.acknowledged[names[each]] = self.said[names[each]]
            self.phone.heard.clear()
        with self._done:
            self.rounds += 1
            self._done.notify_all()

    def wait_for(self, rounds: int) -> None:
        """Until that many more rounds are complete."""
        with self._done:
            wanted = self.rounds + rounds
            assert self._done.wait_for(lambda: self.rounds >= wanted, 3 * self.patience)

    def go_on(self) -> None:
        while not self._over.is_set():
            self.round()

    def __enter__(self) -> Registrations:
        self._thread = threading.Thread(target=self.go_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(2 * self.patience)
        assert not self._thread.is_alive()


def bindings(port: int, users: list[str]) -> dict[str, int]:
    """The q-value, in thousandths, of each user's only binding; 0: there is none."""
    phone, found = Phone(port), {}
    for first in range(0, len(users), BATCH):
        names = {f"ask-{user}": user for user in users[first:first + BATCH]}

        def ask(call_id: str, names: dict[str, str] = names) -> None:
            phone.send(phone.register(names[call_id], 1, call_id=call_id))

        for call_id in names:
            ask(call_id)
        for call_id, answer in phone.take("200 REGISTER", names, again=ask).items():
            contacts = answer.all("Contact")
            assert len(contacts) <= 1, contacts
            value = re.search(r"q=0?\.(\d+)", contacts[0]) if contacts else None
            found[names[call_id]] = int(value[1].ljust(3, "0")) if value else 0
    phone.close()
    return found


def serving(server: Server, seconds: float) -> float:
    """Seconds until every worker serves again; each of many Call-IDs has to be answered."""
    phone, began = Phone(server.port), time.monotonic()
    ids = [f"alive-{time.monotonic_ns()}-{number}" for number in range(16)]

    def ask(call_id: str) -> None:
        phone.send(phone.request("OPTIONS", f"sip:127.0.0.1:{server.port}", call_id, 1, tag="t",
                                 to=f"<sip:127.0.0.1:{server.port}>"))

    for call_id in ids:
        ask(call_id)
    phone.take("200 OPTIONS", ids, seconds, again=ask)
    phone.close()
    return time.monotonic() - began
