"""tm as the transaction user: what a transaction does next is what the script's routes say."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.module import Route, Run
from opensips_py.modules.tm.statistics import Statistics
from opensips_py.sip import Response, parse
from opensips_py.transaction import Branch, Transaction, TransactionLayer

if TYPE_CHECKING:
    import logging

    from opensips_py.module.declare import Dialect
    from opensips_py.module.services import Services


class Routes(Statistics):
    """Runs branch, onreply, failure and local routes, in the generation that the transaction was opened in."""

    services: Services
    dialect: Dialect
    log: logging.Logger
    enable_stats: bool
    onreply_avp_mode: int
    local_request_route: str
    local_reply_route: str

    def take_over(self, layer: TransactionLayer) -> None:
        """Become the user of *layer*."""
        layer.user = self
        if self.enable_stats:
            layer.counters = self.counters()
        layer.on_own_request = self.show_request if self.local_request_route else None
        layer.on_own_response = self.show_response if self.local_reply_route else None

    def run(self, name: str, kind: Route, transaction: Transaction, branch: Branch | None, message: Any,
            avps: dict[str, list[Any]] | None = None) -> Run | None:
        """Run the route *name* of a transaction; None where the generation has no such route."""
        generation = transaction.generation or self.services.generation
        route = generation.route(kind, name)
        if route is None:
            return None
        request = transaction.request
        run = Run(self.services, generation, kind, message, request, transaction, branch)
        if avps is not None:
            run.avps = avps
        request.flags = transaction.flags
        try:
            route(run)
        except Exception:
            self.log.exception("%s route %s failed", kind.name, name)
        finally:
            run.finish()
        transaction.flags = request.flags
        return run

    def run_branch_route(self, transaction: Transaction, branch: Branch) -> bool:
        """Run the branch route; False where it dropped the branch."""
        run = self.run(transaction.on_branch, Route.BRANCH, transaction, branch, transaction.request)
        return run is None or not run.dropped

    def run_reply_route(self, transaction: Transaction, branch: Branch, response: Response) -> bool:
        """Run the onreply route of the branch, then that of the transaction; False where one dropped the response."""
        for name in (branch.on_reply, transaction.on_reply):
            if name is None:
                continue
            avps: dict[str, list[Any]] | None = None if self.onreply_avp_mode else {}
            run = self.run(name, Route.ONREPLY, transaction, branch, response, avps)
            if run is not None and run.dropped and response.status < 200:
                return False
        return True

    def run_failure_route(self, transaction: Transaction, branch: Branch | None, response: Response | None) -> None:
        """Run the failure route; the next failure finds one only if this one arms it again. There is no destination but
        the Request-URI, which in 4.0 is that which the client has sent."""
        name, transaction.on_failure = transaction.on_failure, None
        request = transaction.request
        request.destination = None
        if self.dialect != "2.1":
            if request.uri != request.original_uri:
                request.uri = request.original_uri
            request.branch_flags, request.path, request.send_socket = 0, None, None
        self.run(name, Route.FAILURE, transaction, branch, transaction.request)

    def run_local_route(self, transaction: Transaction, branch: Branch) -> bool:
        """Run the local route, which may change the request of our own or drop it."""
        run = self.run("", Route.LOCAL, transaction, branch, transaction.request)
        return run is None or not run.dropped

    def show_request(self, transaction: Transaction, data: bytes) -> None:
        """Run local_request_route on a request of our own as it leaves."""
        self.show(self.local_request_route, data)

    def show_response(self, transaction: Transaction, data: bytes) -> None:
        """Run local_reply_route on a response of our own as it leaves."""
        self.show(self.local_reply_route, data)

    def show(self, name: str, data: bytes) -> None:
        """Run a route that may look at a message of ours and nothing else."""
        route = self.services.generation.route(Route.REQUEST, name)
        if route is None:
            self.log.error("there is no route %s to show a message to", name)
            return
        run = Run(self.services, self.services.generation, Route.REQUEST, parse(data))
        try:
            route(run)
        except Exception:
            self.log.exception("route %s failed", name)
        finally:
            run.finish()
