"""What several modules may answer or observe. Lower layers know nothing of this: the server joins them to it."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from opensips_py.module.run import Run
    from opensips_py.sip import Message, Request, Response, Uri

hookspec = pluggy.HookspecMarker("opensips_py")
hookimpl = pluggy.HookimplMarker("opensips_py")


# --- messages -------------------------------------------------------------------------------------------------------

@hookspec
def message_read(message: Message) -> None:
    """A message without a fault was read: nothing has been done with it, nor is it known which worker owns it. Runs in
    the event loop, so it must not wait."""


@hookspec
def message_refused(message: Message) -> Any:
    """A message came in and nobody has looked at it, which may break RFC 3261; True: it is dropped without a word."""


@hookspec
def request_received(request: Request) -> None:
    """A request outside of any transaction came in; no route has run yet."""


@hookspec
def response_received(response: Response) -> Any:
    """A response came in, before any route and its transaction; True: it was for this module, and is done with."""


@hookspec
def request_route_begins(run: Run) -> Any:
    """The request route is about to run; True: everything is done, it does not."""


@hookspec
def request_done(message: Message) -> None:
    """The request route has ended for this message."""


@hookspec
def stateless_reply(request: Request, reply: bytes, status: int) -> None:
    """A request was answered without a transaction."""


@hookspec
def route_followed(request: Request, parameters: str) -> None:
    """A Route of ours led this request here; *parameters* are those that its Record-Route was given."""


# --- transactions ---------------------------------------------------------------------------------------------------

@hookspec
def transaction_created(transaction: Any) -> None:
    """A request opened a server transaction; no route has run yet."""


@hookspec(firstresult=True)
def resolve_target(uri: Uri) -> Any:
    """Where requests for *uri* go; the first module that knows answers."""
