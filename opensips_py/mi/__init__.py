"""Management commands: their arguments, where they run, the formats of requests and answers."""
from opensips_py.mi.core import CoreCommands
from opensips_py.mi.dispatch import Dispatcher
from opensips_py.mi.tree import Node, rendered

__all__ = ["CoreCommands", "Dispatcher", "Node", "rendered"]
