"""The statistics of tm: what the transaction layer counts with."""
from __future__ import annotations

from typing import Any

from opensips_py.module import counter, gauge
from opensips_py.transaction import Counters


class Statistics:
    """Counters, under the names that OpenSIPS gives them."""

    received_replies: Any = counter("Responses received to relayed and own requests.")
    relayed_replies: Any = counter("Responses received and sent on.")
    local_replies: Any = counter("Responses generated here.")
    uas_transactions: Any = counter("Transactions opened by received requests.", name="UAS_transactions")
    uac_transactions: Any = counter("Transactions opened by requests of our own.", name="UAC_transactions")
    successes: Any = counter("Transactions that ended with a 2xx.", name="2xx_transactions")
    redirections: Any = counter("Transactions that ended with a 3xx.", name="3xx_transactions")
    client_failures: Any = counter("Transactions that ended with a 4xx.", name="4xx_transactions")
    server_failures: Any = counter("Transactions that ended with a 5xx.", name="5xx_transactions")
    global_failures: Any = counter("Transactions that ended with a 6xx.", name="6xx_transactions")
    inuse_transactions: Any = gauge("Transactions in memory now.")
    retransmission_req_T1_1: Any = counter("Requests sent a second time, after T1.")
    retransmission_req_T1_2: Any = counter("Requests sent a third time, after twice T1.")
    retransmission_req_T1_3: Any = counter("Requests sent a fourth time, after four times T1.")
    retransmission_req_T2: Any = counter("Requests sent again after that, every T2.")
    retransmission_rpl_T2: Any = counter("Responses sent again.")
    timeout_finalresponse: Any = counter("Branches that heard nothing at all: somebody could not be reached.")
    timeout_finalresponse_inv: Any = counter("Branches of an INVITE that rang and were never answered.")

    def counters(self) -> Counters:
        """These statistics as the layer wants them."""
        found = Counters()
        found.received, found.relayed, found.local = self.received_replies, self.relayed_replies, self.local_replies
        found.server, found.user_agent = self.uas_transactions, self.uac_transactions
        found.finals = (self.successes, self.redirections, self.client_failures, self.server_failures,
                        self.global_failures)
        found.in_use = self.inuse_transactions
        found.retransmissions = (self.retransmission_req_T1_1, self.retransmission_req_T1_2,
                                 self.retransmission_req_T1_3, self.retransmission_req_T2)
        found.response_retransmissions = self.retransmission_rpl_T2
        found.silent, found.unanswered = self.timeout_finalresponse, self.timeout_finalresponse_inv
        return found
