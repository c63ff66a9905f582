"""pv_www_authorize, pv_proxy_authorize and consume_credentials: users that the script itself knows."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from opensips_py.module import AuthResult, Dialect, Route, Run, VariableSpec, script
from opensips_py.modules.auth.verifying import Given, Kind, Verifier, Verifying, held_by, is_unchallenged
from opensips_py.sip import Secret
from opensips_py.sip.digest import Algorithm, Credentials, Password

if TYPE_CHECKING:
    from opensips_py.sip import Request


class Hash:
    """The hash that a variable holds, of whichever algorithm is asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    def ha1(self, username: str, realm: str, algorithm: Algorithm) -> str | None:
        """The hash, whether it is one of *algorithm* or not: with one that is not, no password is right."""
        return self.text.lower()


class Unset(OSError):
    """A variable that is to hold a user or a password holds none."""


class Authorizing(Verifying):
    """Functions that check credentials by variables of the script."""

    log: logging.Logger
    dialect: Dialect
    username_spec: VariableSpec | None
    password_spec: VariableSpec | None
    calculate_ha1: bool

    @script(Route.REQUEST)
    def pv_www_authorize(self, run: Run, realm: str) -> AuthResult:
        """Check Authorization for *realm*, as www_challenge asks for it, by the variables username_spec and
        password_spec. A request that another nonce would get through has to be challenged again (-3)."""
        return self.by_variables(run, "www", realm)

    @script(Route.REQUEST)
    def pv_proxy_authorize(self, run: Run, realm: str) -> AuthResult:
        """Check Proxy-Authorization for *realm*, as proxy_challenge asks for it, by the variables username_spec and
        password_spec."""
        return self.by_variables(run, "proxy", realm)

    def by_variables(self, run: Run, kind: Kind, realm: str) -> AuthResult:
        """Check credentials by the variables of the script."""
        verifier: Verifier = self.verifier
        found = verifier.examine(run, kind, realm)
        if not isinstance(found, Given):
            return found
        try:
            secret = self.secret_of(run, found.credentials)
        except OSError as error:
            return verifier.cannot_tell(error)
        return verifier.prove(run.request, found, secret)

    def secret_of(self, run: Run, credentials: Credentials) -> Secret | None:
        """What the script knows of the user in *credentials*, if it is the one that it expects."""
        name, text = value_of(run, self.username_spec), value_of(run, self.password_spec)
        if name is None or text is None:
            if self.dialect == "2.1":
                return None
            raise Unset("username_spec and password_spec must name variables that hold a user and a password")
        if name != credentials.username and name.casefold() != credentials.username.casefold():
            return None
        return Password(text) if self.calculate_ha1 else Hash(text)

    @script(Route.REQUEST)
    def consume_credentials(self, request: Request) -> bool:
        """Take the credentials that this request was authorized by out of it, so that nobody else sees them."""
        held = held_by(request)
        if held is None or not held.proven:
            if not is_unchallenged(request):
                self.log.error("consume_credentials: nothing has authorized this request")
            return False
        for each in held.proven:
            request.remove_header(each.header)
        held.proven.clear()
        return True


def value_of(run: Run, spec: VariableSpec | None) -> str | None:
    """The text of a variable; None where there is none, or it is empty."""
    value = spec.read(run) if spec is not None else None
    return None if value is None or value == "" else str(value)
