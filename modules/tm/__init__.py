"""Stateful processing of requests: transactions, forking, failover (RFC 3261, 16 and 17)."""
from opensips_py.module import Module
from opensips_py.modules.tm.answering import Answering
from opensips_py.modules.tm.arming import Arming
from opensips_py.modules.tm.branching import Branching
from opensips_py.modules.tm.branchvariables import BranchVariables
from opensips_py.modules.tm.management import Management
from opensips_py.modules.tm.originating import Originating
from opensips_py.modules.tm.parameters import Parameters
from opensips_py.modules.tm.questions import Questions
from opensips_py.modules.tm.relaying import Relaying
from opensips_py.modules.tm.variables import Variables
from opensips_py.modules.tm.writing import Writing


class Tm(Parameters, Relaying, Answering, Arming, Questions, Branching, Originating, Writing,
         Variables, BranchVariables, Management, Module, name="tm"):
    """Keep the state of each request until it has been answered: retransmissions are absorbed, responses find their
    way back, several targets are tried at once or one after the other, and routes decide what happens on failure."""
