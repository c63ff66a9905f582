"""Search the text of a message with regular expressions, and change it."""
from __future__ import annotations

from opensips_py.module import Module
from opensips_py.modules.textops.replacing import Replacing
from opensips_py.modules.textops.searching import Searching
from opensips_py.modules.textops.substituting import Substituting


class TextOps(Searching, Replacing, Substituting, Module, name="textops"):
    """Work on messages as text. Regular expressions are POSIX extended ones and ignore case; what is searched is the
    message as it came in, so a folded header is more than one line, and earlier changes do not show."""
