"""Ask for credentials, and check them (digest authentication: RFC 3261, 22; RFC 7616; RFC 8760)."""
from __future__ import annotations

import hashlib
import logging
import os
from typing import Annotated, Any

from opensips_py.module import Between, ConfigError, Module, VariableSpec, param, process_state, uses
from opensips_py.modules.auth._nonces import Nonces
from opensips_py.modules.auth.authorizing import Authorizing
from opensips_py.modules.auth.challenging import Challenger, Challenging
from opensips_py.modules.auth.remote_party import RemoteParty
from opensips_py.modules.auth.served import Served
from opensips_py.modules.auth.verifying import Verifier
from opensips_py.restraint import Restraint
from opensips_py.state.directory import secrets


class Auth(Challenging, Authorizing, RemoteParty, Module, name="auth"):
    """Challenge requests, check what comes back, and take it out before the request goes on.

    A nonce serves once; with qop, once under each nonce count. Workers share the memory of that, and a restart keeps
    it, as it keeps nonces valid. Modules with a table of users build on this one: see authorize().
    """

    signaling: Any = uses("signaling")

    secret: str = param("", "What nonces are made with; servers with the same one accept each other's, as far as "
                            "disable_nonce_check lets them. Empty: a secret of this installation, which survives "
                            "restarts.")
    nonce_expire: Annotated[int, Between(1, 1 << 31)] = param(30, "Seconds that a nonce is good for.")
    disable_nonce_check: bool = param(
        False, "Let a nonce serve any number of times: needed where requests of a client come to several servers.")
    calculate_ha1: bool = param(
        False, "Whether password_spec holds a password; else the hash of user, realm and password in hex (HA1).")
    username_spec: VariableSpec | None = param(None, "Variable with the user whom pv_www_authorize expects.")
    password_spec: VariableSpec | None = param(None, "Variable with the password of that user, or its hash.")
    realm_prefix: str = param("", "Beginning of a host that is left out of a realm which is taken from the request.")
    rpid_avp: str = param("$avp(rpid)", "AVP with the identity for Remote-Party-ID; an empty text: none.")
    rpid_prefix: str = param("", "What Remote-Party-ID has before the identity.")
    rpid_suffix: str = param(";party=calling;id-type=subscriber;screen=yes", "What it has behind the identity.")

    served: Served = process_state()

    def load(self) -> None:
        """Find the AVP of the identity."""
        self.complaints = Restraint(self.log, 1, level=logging.ERROR)
        self.identity_spec = None
        if self.rpid_avp:
            try:
                self.identity_spec = self.registry.script.variable(self.rpid_avp) if self.registry.script else None
            except ValueError as error:
                raise ConfigError(str(error), "auth", "rpid_avp") from None
            if self.identity_spec is not None and self.identity_spec.type != "avp":
                raise ConfigError(f"rpid_avp names an AVP, and {self.rpid_avp} is none", "auth", "rpid_avp")

    def start(self) -> None:
        """Take the secret, and open the memory that all workers share."""
        folder = self.services.boot.state_dir
        key = secrets(folder).nonce
        if self.secret:
            key = hashlib.blake2b(self.secret.encode("utf-8", "surrogateescape"), digest_size=32,
                                  person=b"nonces").digest()
        self.nonces = Nonces(key)
        self.served.open(os.path.join(folder, "nonces"))
        self.verifier = Verifier(self)
        self.challenger = Challenger(self)
