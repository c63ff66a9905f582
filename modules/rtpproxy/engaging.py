"""rtpproxy_engage: the media of a whole dialog, by one call."""
from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from opensips_py.module import Route, Run, Writable, script
from opensips_py.modules.rtpproxy.flags import NONE, Flags
from opensips_py.modules.rtpproxy.sessions import ROUTES, Letters, Sessions
from opensips_py.sip.bodies import parts_of
from opensips_py.transaction import Branch, Happening, Transaction

if TYPE_CHECKING:
    from opensips_py.sip import Message, Request

NAME = "rtpproxy"  # of what is kept with dialogs
LEAVING = int(Happening.REQUEST_BUILT)
ANSWERED = int(Happening.RESPONSE_FORWARDED)


class Engaging(Sessions):
    """Dialogs whose media are relayed, whatever is said in them."""

    @script(ROUTES, waits=True)
    def rtpproxy_engage(self, run: Run, flags: Letters = NONE, ip_address: str | None = None, set_id: int | None = None,
                        sock_var: Writable | None = None, ret_var: Writable | None = None) -> bool:
        """Have a relay take the media of the call that this INVITE begins: every offer and answer in it, until it ends.

        The dialog is created where the script has not done so. The arguments are those of rtpproxy_offer() and hold
        for the whole call; the variables get what has become of the INVITE. False where the dialog cannot be followed
        or no relay takes what is offered.
        """
        request: Request = run.request
        if self.dialog is None:
            self.log.error("rtpproxy_engage() needs module dialog")
            return False
        if run.message is not request or request.method != "INVITE" or request.to_tag:
            self.log.error("rtpproxy_engage: only an INVITE that begins a call can be engaged")
            return False
        offers = has_description(request)
        if offers and not self.describe(run, True, flags, ip_address, set_id, sock_var, ret_var, None, None):
            return False
        dialog = self.dialog.dialog_of(request) or self.dialog.create(run, request, 0)
        again = self.dialog.kept(dialog, NAME) is not None
        self.remember(dialog, {"flags": asdict(flags), "host": ip_address, "set": set_id, "late": not offers})
        if not again:
            run.transaction.observe(ANSWERED, partial(self.answered, dialog, offers))
        return True

    @script(ROUTES, waits=True, dialect="2.1")
    def engage_rtp_proxy(self, run: Run, flags: Letters = NONE, ip_address: str | None = None,
                         set_id: int | None = None, sock_var: Writable | None = None) -> bool:
        """The old name of rtpproxy_engage()."""
        return self.rtpproxy_engage(run, flags, ip_address, set_id, sock_var)

    def remember(self, dialog: Any, how: dict[str, Any]) -> None:
        """Keep with the dialog how its media are relayed, and where, if its Call-ID does not say that."""
        home = self.proxies.homes.by_call.get(dialog.call_id)
        self.dialog.keep(dialog, NAME, {**how, "relay": home} if home else how)

    def recall(self, dialog: Any, how: dict[str, Any]) -> None:
        """Know again at which relay a dialog is, in a process that has not sent it there."""
        if how.get("relay"):
            self.proxies.homes.by_call.setdefault(dialog.call_id, how["relay"])

    def watch_dialogs(self) -> None:
        """Be told of what goes on in dialogs."""
        if self.dialog is not None:
            self.dialog.observe(within=self.within, failed=self.over, ended=self.over)

    # --- offers and answers -----------------------------------------------------------------------------------------

    def within(self, dialog: Any, request: Request, side: int) -> None:
        """A request in the dialog: what it offers, or its answer to an offer before, goes through the relay as it
        leaves; so does what its response says."""
        how = self.dialog.kept(dialog, NAME)
        if how is None or request.method == "BYE":
            return
        described = has_description(request)
        if not described and request.method != "INVITE":
            return
        offers = request.method not in (("ACK", "PRACK") if how["late"] else ("ACK",))
        if described:
            request.edits.insert(request.body_offset, b"")  # so that this list of edits holds for all branches
            request.context.setdefault("observers", []).append((LEAVING, Leaving(self, dialog, offers)))
        if offers:
            request.context.setdefault("observers", []).append((ANSWERED, partial(self.answered, dialog, described)))

    def answered(self, dialog: Any, described: bool, happening: Happening, transaction: Transaction,
                 branch: Branch | None, response: Any, status: int) -> None:
        """A response goes back: it has the answer where the request was *described*, else an offer."""
        if 100 < status < 300 and has_description(response):
            self.carry_on(dialog, transaction, branch, response, not described)

    def carry_on(self, dialog: Any, transaction: Transaction, branch: Branch | None, message: Message,
                 offers: bool) -> None:
        """Have the relay take one more description of a dialog."""
        how = self.dialog.kept(dialog, NAME)
        if how is None:
            return
        self.recall(dialog, how)
        kind = Route.REQUEST if message.is_request else Route.ONREPLY
        generation = transaction.generation or self.services.generation
        run = Run(self.services, generation, kind, message, transaction.request, transaction, branch)
        done = self.describe(run, offers, Flags(**how["flags"]), how["host"], how["set"], None, None, None, None)
        if done and self.proxies.homes.by_call.get(dialog.call_id) != how.get("relay"):
            self.remember(dialog, how)
        run.finish()

    # --- the end ----------------------------------------------------------------------------------------------------

    def over(self, dialog: Any, request: Request | None, status: int = 0) -> None:
        """The dialog has ended or never came to be."""
        how = self.dialog.kept(dialog, NAME)
        if how is not None:
            self.services.spawn(self.release, dialog, how)

    def release(self, dialog: Any, how: dict[str, Any]) -> None:
        """End the session of a dialog."""
        self.recall(dialog, how)
        self.end_session(dialog, how["set"], None)


class Leaving:
    """An observer that takes the description of a request once: as it leaves for the first time."""

    def __init__(self, module: Engaging, dialog: Any, offers: bool) -> None:
        self.module, self.dialog, self.offers, self.done = module, dialog, offers, False

    def __call__(self, happening: Happening, transaction: Transaction, branch: Branch | None, request: Any,
                 status: int) -> None:
        if not self.done:
            self.done = True
            self.module.carry_on(self.dialog, transaction, branch, request, self.offers)


def has_description(message: Message) -> bool:
    """Whether there is a session description in a message."""
    return any(each.media_type == "application/sdp" for each in parts_of(message))
