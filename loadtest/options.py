"""Clients that ask OPTIONS, as monitoring and load balancers do."""
from typing import Any

from locust import User, constant, task

from loadtest.sip_phone import Phone, Refused


def proxy_of(environment: Any) -> tuple[str, int]:
    """Address of the server under test, from Locust's --host."""
    host, _, port = (environment.host or "127.0.0.1:5060").partition(":")
    return host, int(port or 5060)


class OptionsClient(User):
    """Sends OPTIONS to the server itself."""

    wait_time = constant(0.5)

    def on_start(self) -> None:
        self.phone = Phone("probe", proxy_of(self.environment), self.environment.events)

    def on_stop(self) -> None:
        self.phone.close()

    @task
    def ask(self) -> None:
        try:
            self.phone.options()
        except (Refused, TimeoutError):
            pass  # reported to Locust already
