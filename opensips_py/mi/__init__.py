"""Management commands: their arguments, where they run, the formats of requests and answers."""
from opensips_py.mi.blacklists import BlacklistCommands
from opensips_py.mi.caches import CacheCommands
from opensips_py.mi.core import CoreCommands
from opensips_py.mi.dispatch import Dispatcher
from opensips_py.mi.status import StatusCommands
from opensips_py.mi.transport import TransportCommands
from opensips_py.mi.tree import Node, rendered

# What every server has without loading a module.
COMMANDS = (CoreCommands, TransportCommands, BlacklistCommands, CacheCommands, StatusCommands)

__all__ = ["COMMANDS", "BlacklistCommands", "CoreCommands", "Dispatcher", "Node", "TransportCommands", "rendered"]
