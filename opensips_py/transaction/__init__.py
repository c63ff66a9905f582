"""Transactions (RFC 3261, 17): the state machines as tables, and the layer joining them to transports."""
from opensips_py.transaction._record import Branch, Timing, Transaction
from opensips_py.transaction.counters import Counters
from opensips_py.transaction.layer import TransactionLayer
from opensips_py.transaction.ringing import SURVIVES
from opensips_py.transaction.settings import FAULT_RESPONSES, Fault, Flags, Settings
from opensips_py.transaction.targets import response_target
from opensips_py.transaction.user import Happening, NoUser, Observer, TransactionUser

__all__ = ["FAULT_RESPONSES", "SURVIVES", "Branch", "Counters", "Fault", "Flags", "Happening", "NoUser", "Observer",
           "Settings", "Timing", "Transaction", "TransactionLayer", "TransactionUser", "response_target"]
