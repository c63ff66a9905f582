"""Act for the caller: answer challenges with credentials of our own, show other names in From and To."""
from __future__ import annotations

from typing import Annotated, Any

from opensips_py.module import ConfigError, Module, OneOf, hookimpl, param, uses
from opensips_py.module.hidden import Hidden
from opensips_py.modules.uac.answering import PARAMETER, Answering
from opensips_py.modules.uac.remembering import Remembering
from opensips_py.modules.uac.replacing import Replacing
from opensips_py.sip import Request
from opensips_py.state.directory import secrets
from opensips_py.transaction import Transaction


class Uac(Answering, Replacing, Remembering, Module, name="uac"):
    """Change requests so that other servers take them. The caller sees nothing of it: responses, and with restore_mode
    auto the later requests of both sides, are changed back. What that takes is kept with the dialog, where the script
    has called create_dialog() of module dialog before or force_dialog is set; else in Record-Route."""

    tm: Any = uses("tm")
    rr: Any = uses("rr", optional=True)
    uac_auth: Any = uses("uac_auth", optional=True)
    dialog: Any = uses("dialog", optional=True)

    restore_mode: Annotated[str, OneOf("none", "manual", "auto")] = param(
        "auto", "What becomes of replaced headers: auto restores them in responses and later requests of the dialog, "
                "manual in responses, none nowhere. All but none need module rr.")
    restore_passwd: str = param("", "What the URIs in Record-Route are encrypted with; several servers that see "
                                    "requests of one dialog need the same. Empty: a secret of this installation.")
    rr_from_store_param: str = param("vsf", "Record-Route parameter that keeps the URI of From.")
    rr_to_store_param: str = param("vst", "Record-Route parameter that keeps the URI of To.")
    force_dialog: bool = param(False, "Whether restore_mode auto begins a dialog of module dialog where the script has "
                                      "not, for an INVITE that the request route changes.")

    def load(self) -> None:
        """Check that what was replaced can be restored."""
        if self.dialog is not None:
            self.dialog.observe(within=self.within)
        elif self.force_dialog:
            raise ConfigError('force_dialog needs module dialog: add loadmodule "dialog.so"', "uac", "force_dialog")
        if self.restore_mode == "none":
            return
        for name in ("rr_from_store_param", "rr_to_store_param"):
            if not getattr(self, name):
                raise ConfigError(f"{name} may be empty with restore_mode none alone", "uac", name)
        if self.rr is None:
            if "restore_mode" in self.registry.parameters_set.get("uac", ()):
                raise ConfigError(f'restore_mode {self.restore_mode} needs module rr: add loadmodule "rr.so"', "uac",
                                  "restore_mode")
        elif self.restore_mode == "auto" and not self.rr.append_fromtag:
            raise ConfigError("restore_mode auto needs append_fromtag of module rr", "uac", "restore_mode")

    def start(self) -> None:
        """Take the secret."""
        secret = self.restore_passwd.encode("utf-8", "surrogateescape")
        self.hidden = Hidden(secret or secrets(self.services.boot.state_dir).key, "uac")

    @hookimpl
    def route_followed(self, request: Request, parameters: str) -> None:
        """A later request of a dialog: change it as the first one was."""
        if self.restore_mode == "auto":
            if f"{self.rr_from_store_param}=" in parameters:
                self.restore(request, "from_")
            if f"{self.rr_to_store_param}=" in parameters:
                self.restore(request, "to")
        if f"{PARAMETER}=" in parameters and self.dialect != "2.1":
            self.follow_count(request)

    @hookimpl
    def transaction_created(self, transaction: Transaction) -> None:
        """See to the responses of a request that was changed before."""
        context = transaction.request.context
        changes = context.get("uac") if context else None
        if changes is not None:
            changes.watch(transaction)
