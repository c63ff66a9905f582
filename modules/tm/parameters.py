"""The parameters of tm, and what they set in the transaction layer."""
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from opensips_py.errors import ConfigError
from opensips_py.module import Between, Flag, Route, RouteName, param
from opensips_py.modules.tm.routes import Routes
from opensips_py.transaction import TransactionLayer

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry
    from opensips_py.module.services import Services

Seconds = Annotated[int, Between(1, 86400)]
RouteOfScript = Annotated[str, RouteName(Route.REQUEST)]
Milliseconds = Annotated[int, Between(10, 600000)]


class Parameters(Routes):
    """What modparam sets."""

    layer: TransactionLayer
    services: Services
    registry: Registry

    fr_timeout: Annotated[int, Between(2, 86400)] = param(
        30, "Seconds without any final response until a branch has failed; also how long an ACK for a failure is "
            "waited for.", aliases=("fr_timer",))
    fr_inv_timeout: Seconds = param(120, "Seconds without final response after a provisional one until a branch "
                                    "of an INVITE has failed.", aliases=("fr_inv_timer",))
    wt_timer: Seconds = param(5, "Seconds that a finished transaction is kept for, to absorb what comes late.")
    delete_timer: Seconds = param(2, "Accepted without effect: a transaction here is never held up by another "
                                  "process, so nothing waits for this.")
    T1_timer: Milliseconds = param(500, "Milliseconds until the first retransmission; later intervals double.")
    T2_timer: Milliseconds = param(4000, "Milliseconds that the interval of retransmissions grows to.")
    ruri_matching: bool = param(True, "Compare the Request-URI of clients that know no branch parameter (RFC 2543).")
    via1_matching: bool = param(True, "Compare the top Via of clients that know no branch parameter (RFC 2543).")
    unix_tx_timeout: Seconds = param(2, "Seconds after which t_write_unix gives up.")
    restart_fr_on_each_reply: bool = param(True, "Start fr_inv_timeout again with every provisional response.")
    pass_provisional_replies: bool = param(False, "Report provisional responses of requests sent by t_uac_dlg as well.")
    syn_branch: bool = param(True, "Accepted without effect: the branch parameters here are as fast and survive a "
                             "restart, whatever is set.")
    onreply_avp_mode: Annotated[int, Between(0, 1)] = param(
        0, "AVPs in onreply routes: 0 a list of their own for each response, 1 those of the transaction.")
    disable_6xx_block: bool = param(False, "Treat a 6xx as any other failure, so that further targets may be tried.")
    enable_stats: bool = param(True, "Count for the statistics.")
    minor_branch_flag: Annotated[int, Flag("branch")] = param(-1, "Branch flag of branches that are not waited for.")
    timer_partitions: Annotated[int, Between(1, 16)] = param(1, "Accepted without effect: each worker has a timer "
                                                             "wheel of its own.")
    auto_100trying: bool = param(True, "Answer an INVITE with 100 as soon as its transaction exists.")
    local_request_route: RouteOfScript = param("", "Route that sees each request of our own as it leaves.")
    local_reply_route: RouteOfScript = param("", "Route that sees each response of our own as it leaves.")

    def load(self) -> None:
        """Refuse what cannot work together."""
        if self.T2_timer < self.T1_timer:
            raise ConfigError("T2_timer is shorter than T1_timer: intervals grow from the one to the other", "tm",
                              "T2_timer")

    def start(self) -> None:
        """Hand the parameters to the layer."""
        if self.services.transactions is None:  # the management process has no transactions
            return
        self.layer = layer = self.services.transactions
        timing = layer.timing
        timing.t1, timing.t2 = self.T1_timer / 1000, self.T2_timer / 1000
        timing.fr, timing.fr_inv, timing.wait = self.fr_timeout, self.fr_inv_timeout, self.wt_timer
        timing.restart_on_provisional = self.restart_fr_on_each_reply
        layer.settings = replace(
            layer.settings, auto_trying=self.auto_100trying, block_on_6xx=not self.disable_6xx_block,
            minor_flag=0 if self.minor_branch_flag < 0 else 1 << self.minor_branch_flag,
            ruri_matching=self.ruri_matching, via_matching=self.via1_matching)
        layer.created = self.registry.hooks.transaction_created
        self.take_over(layer)


