"""Two sides that see nothing of each other's networks: only us."""
from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from opensips_py.dialog.record import CALL_ID_HIDDEN
from opensips_py.module import ConfigError, Module, OneOf, Run, hookimpl, param, pvar, uses
from opensips_py.module.hidden import Hidden
from opensips_py.modules.topology_hiding.callids import CallIds
from opensips_py.modules.topology_hiding.crossing import KEY, restore
from opensips_py.modules.topology_hiding.hiding import Hiding
from opensips_py.modules.topology_hiding.matching import Matching
from opensips_py.modules.topology_hiding.shown import Passing
from opensips_py.sip import Message
from opensips_py.state.directory import secrets

CALL_ID_SECRET, CONTACT_SECRET = "OpenSIPS", "ToPoCtPaSS"  # the defaults, which are known to everybody


class TopologyHiding(Hiding, Matching, Module, name="topology_hiding"):
    """Hide the network of each side of a dialog from the other one: its Vias, its Record-Routes, its Contacts, its
    Call-ID. On top of module dialog, where the script has created one for an INVITE; else without any state here, for
    all that begins a dialog: what there is to know stands in Contact, encrypted."""

    tm: Any = uses("tm")
    rr: Any = uses("rr", optional=True)
    dialog: Any = uses("dialog", parameter="force_dialog")

    force_dialog: bool = param(False, "Whether topology_hiding() creates the dialog of an INVITE that has none.")
    th_callid_passwd: str = param(
        CALL_ID_SECRET, "What Call-IDs are encrypted with; several servers that see requests of one dialog need the "
                        "same. Left as it is, a secret of this installation.")
    th_callid_prefix: str = param(
        "DLGCH_", "How Call-IDs begin that the callee sees; each server on the path of a call needs another one.")
    th_callid_loop_protection: bool = param(
        False, "4.0: whether the From tag of the caller is part of the encrypted Call-ID, so that a call that comes "
               "round to this server once more is told from what its callee sends.")
    th_passed_contact_uri_params: str | None = param(
        None, "Names of Contact URI parameters, with semicolons between, that the other side is shown.")
    th_passed_contact_params: str | None = param(
        None, "Names of Contact parameters, with semicolons between, that the other side is shown.")
    th_contact_encode_passwd: str = param(
        CONTACT_SECRET, "What th_contact_encode_param is encrypted with; several servers that see requests of one "
                        "dialog need the same. Left as it is, a secret of this installation.")
    th_contact_encode_param: str = param(
        "thinfo", "Contact URI parameter that says what a Contact stands for, where no dialog keeps that.")
    th_contact_encode_scheme: Annotated[str, OneOf("base64", "base32")] = param(
        "base64", "4.0: how that parameter is written; base32 is longer, and survives a change of its case.")
    th_contact_caller_username_var: str = param(
        "_th_contact_caller_username_var_", "4.0: value of the dialog that holds the user in Contacts shown to the "
                                            "caller; scripts may change it.")
    th_contact_callee_username_var: str = param(
        "_th_contact_callee_username_var_", "4.0: value of the dialog that holds the user in Contacts shown to the "
                                            "callee; scripts may change it.")

    def load(self) -> None:
        """Check the parameters."""
        for name in ("th_callid_prefix", "th_contact_encode_param"):
            if not getattr(self, name):
                raise ConfigError(f"{name} may not be empty", "topology_hiding", name)
        self.passing = Passing(self.th_passed_contact_uri_params, self.th_passed_contact_params)
        if self.dialog is not None:
            self.dialog.disguise = self

    def start(self) -> None:
        """Take the secrets, and see to calls that rang when a process died."""
        self.services.transactions.restorers[KEY] = partial(restore, self)
        self.hidden = Hidden(self.secret(self.th_contact_encode_passwd, CONTACT_SECRET), "th contact",
                             any_case=self.th_contact_encode_scheme == "base32")
        self.call_ids = CallIds(self.th_callid_prefix, Hidden(self.secret(self.th_callid_passwd, CALL_ID_SECRET),
                                                              "th callid"),
                                with_tag=self.th_callid_loop_protection)

    def secret(self, given: str, default: str) -> bytes:
        """What to encrypt with."""
        if given == default:
            return secrets(self.services.boot.state_dir).key
        return given.encode("utf-8", "surrogateescape")

    @hookimpl
    def message_read(self, message: Message) -> None:
        """A message of a callee is of the call that the caller's Call-ID names: all of this server knows it by that."""
        call_id = self.call_ids.decode(message)
        if call_id is not None:
            message.call_id = call_id

    @pvar("TH_callee_callid")
    def callee_call_id(self, run: Run) -> str | None:
        """The Call-ID that the callee of the dialog sees; NULL where it is the caller's."""
        dialog = self.dialog.current(run) if self.dialog is not None else None
        return self.call_id(dialog) if dialog is not None and dialog.flags & CALL_ID_HIDDEN else None


__all__ = ["TopologyHiding"]
