"""Events: raised by name, told to the script's event routes and to subscribers over whichever carrier they named."""
from opensips_py.events.publisher import Carrier, Publisher, Subscription

__all__ = ["Carrier", "Publisher", "Subscription"]
