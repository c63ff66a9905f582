"""Callers and callees: each caller brings the phone that it calls, and talks to it for a second."""
from locust import User, between, task

from loadtest.options import proxy_of
from loadtest.sip_phone import Phone, Refused


class Caller(User):
    """Registers a callee, then calls it again and again through the proxy."""

    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        proxy = proxy_of(self.environment)
        self.caller = Phone(f"a{id(self)}", proxy, self.environment.events)
        self.callee = Phone(f"b{id(self)}", proxy, self.environment.events)
        self.callee.register()

    def on_stop(self) -> None:
        self.caller.close()
        self.callee.close()

    @task
    def call(self) -> None:
        try:
            self.caller.call(self.callee.user, seconds=1)
        except (Refused, TimeoutError):
            pass  # reported to Locust already
