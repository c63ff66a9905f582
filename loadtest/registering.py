"""Phones that register, and refresh their binding."""
from locust import User, constant, task

from loadtest.options import proxy_of
from loadtest.sip_phone import Phone, Refused


class RegisteringPhone(User):
    """Binds its contact again and again, as phones behind NAT do."""

    wait_time = constant(1)

    def on_start(self) -> None:
        self.phone = Phone(f"r{id(self)}", proxy_of(self.environment), self.environment.events)

    def on_stop(self) -> None:
        self.phone.close()

    @task
    def register(self) -> None:
        try:
            self.phone.register()
        except (Refused, TimeoutError):
            pass  # reported to Locust already
