"""What becomes of a registration, as events."""
from __future__ import annotations

from opensips_py.module import Event
from opensips_py.modules.uac_registrant.records import State


class Registration(Event):
    """A registration, by what makes it out."""

    aor: str
    contact: str
    registrar: str


class E_REGISTRANT_REGISTERING(Registration):
    """A REGISTER without credentials was sent."""


class E_REGISTRANT_AUTHENTICATING(Registration):
    """The registrar asked for credentials, and got them."""


class E_REGISTRANT_REGISTERED(Registration):
    """The registrar has accepted a registration."""


class E_REGISTRANT_REGISTER_TIMEOUT(Registration):
    """The registrar does not answer."""


class E_REGISTRANT_INTERNAL_ERROR(Registration):
    """A REGISTER cannot be sent, or its answer makes no sense."""


class E_REGISTRANT_WRONG_CREDENTIALS(Registration):
    """The registrar did not accept the credentials, or there are none."""


class E_REGISTRANT_REGISTRAR_ERROR(Registration):
    """The registrar refuses."""


class E_REGISTRANT_UNREGISTERING(Registration):
    """A REGISTER that ends the registration was sent."""


class E_REGISTRANT_AUTHENTICATING_UNREGISTER(Registration):
    """The registrar asked for credentials to end the registration, and got them."""


EVENTS: dict[State, type[Registration]] = {
    State.REGISTERING_STATE: E_REGISTRANT_REGISTERING,
    State.AUTHENTICATING_STATE: E_REGISTRANT_AUTHENTICATING,
    State.REGISTERED_STATE: E_REGISTRANT_REGISTERED,
    State.REGISTER_TIMEOUT_STATE: E_REGISTRANT_REGISTER_TIMEOUT,
    State.INTERNAL_ERROR_STATE: E_REGISTRANT_INTERNAL_ERROR,
    State.WRONG_CREDENTIALS_STATE: E_REGISTRANT_WRONG_CREDENTIALS,
    State.REGISTRAR_ERROR_STATE: E_REGISTRANT_REGISTRAR_ERROR,
    State.UNREGISTERING_STATE: E_REGISTRANT_UNREGISTERING,
    State.AUTHENTICATING_UNREGISTER_STATE: E_REGISTRANT_AUTHENTICATING_UNREGISTER,
}
