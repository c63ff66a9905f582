"""What workers share: slots, identifiers, memory words, LMDB environments.

The supervisor uses this package too: what needs gevent or LMDB (environment, commits) is imported by its own name.
"""
from opensips_py.state._words import Counter, Keyed, Words
from opensips_py.state.directory import Secrets
from opensips_py.state.names import SharedNames
from opensips_py.state.records import Records
from opensips_py.state.slots import Slots

__all__ = ["Counter", "Keyed", "Records", "Secrets", "SharedNames", "Slots", "Words"]
