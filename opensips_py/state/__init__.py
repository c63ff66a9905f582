"""What workers share: slots, identifiers, memory words, LMDB environments."""
from opensips_py.state._words import Counter, Keyed, Words
from opensips_py.state.names import SharedNames
from opensips_py.state.slots import Slots

__all__ = ["Counter", "Keyed", "SharedNames", "Slots", "Words"]
