"""The usual routing without a line of script."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module import ConfigError, Module, Route, RouteName, Run, hookimpl, param, uses

if TYPE_CHECKING:
    from opensips_py.sip import Request

NOT_RECORDED = ("REGISTER", "MESSAGE", "ACK")  # of those that begin something


class ScriptHelper(Module, name="script_helper"):
    """Route what every proxy routes alike, before the request route runs.

    Requests outside of a dialog are record-routed, but for REGISTER and MESSAGE. Requests within a dialog follow their
    Route headers and are relayed, so the request route never sees them: nor CANCELs, which follow their INVITE, nor the
    ACKs of failures. Max-Forwards is left to the script. With use_dialog each call is a dialog of module dialog before
    the request route begins."""

    rr: Any = uses("rr")
    sl: Any = uses("sl")
    tm: Any = uses("tm")
    dialog: Any = uses("dialog", optional=True)
    use_dialog: bool = param(False, "Whether module dialog follows the calls that INVITEs begin.")
    create_dialog_flags: str = param("", "What create_dialog() of module dialog is given as flags.")
    sequential_route: Annotated[str, RouteName(Route.REQUEST)] = param(
        "", "A route to run before a request within a dialog is relayed; where it ends with exit, it has relayed it.")

    def load(self) -> None:
        """Check the parameters about dialogs."""
        if not self.use_dialog:
            return
        if self.dialog is None:
            raise ConfigError('use_dialog needs module dialog: add loadmodule "dialog.so"', self.name, "use_dialog")
        try:
            self.flags: int = self.dialog.read_flags(self.create_dialog_flags)
        except ValueError as error:
            raise ConfigError(str(error), self.name, "create_dialog_flags") from None

    @hookimpl
    def request_route_begins(self, run: Run) -> bool:
        """Do the usual; True: nothing is left to the request route."""
        request: Request = run.request
        if request.method == "CANCEL":
            self.follow_invite(run)
            return True
        if request.to_tag:
            self.sequential(run, request)
            return True
        if request.method not in NOT_RECORDED:
            self.tell(run, "record-routes a request outside of a dialog")
            self.rr.record_route(run)
            if self.use_dialog and request.method == "INVITE":
                self.dialog.create_dialog(run, self.flags)
        return False

    def sequential(self, run: Run, request: Request) -> None:
        """A request within a dialog: it follows its Route headers."""
        if not self.rr.loose_route(request):
            self.tell(run, "no Route of ours leads this request within a dialog here")
            if request.method == "ACK":
                self.follow_invite(run)
            else:
                self.sl.answer(run, 404, "Not Here")
            return
        if self.use_dialog:
            self.dialog.match_as(request, None)
        self.tell(run, f"a request within a dialog follows its Route to {request.destination or request.uri}")
        if request.method == "INVITE":
            self.rr.record_route(run)  # some phones take the route set of a call from each of its INVITEs
        if self.sequential_route:
            route = run.generation.route(Route.REQUEST, self.sequential_route)
            if route is not None and route(run) == 0:
                return
        self.relay(run)

    def follow_invite(self, run: Run) -> None:
        """A CANCEL, or the ACK of a failure: it goes where its INVITE went, and nowhere without one."""
        found = self.tm.check_transaction(run) > 0
        self.tell(run, "follows its INVITE" if found else "its INVITE is not known: it goes nowhere")
        if found:
            self.relay(run)

    def tell(self, run: Run, what: str) -> None:
        """Let the account of a traced call tell what happens without a line of script."""
        if run.trace is not None:
            run.trace.note(self.name, what)

    def relay(self, run: Run) -> None:
        """Send the request on; finding out where may wait."""
        run.park()
        self.tm.relay(run)
