"""Read and change messages as SIP means them: their method, headers, URIs and bodies."""
from __future__ import annotations

from opensips_py.module import Module
from opensips_py.modules.sipmsgops.headers import Headers
from opensips_py.modules.sipmsgops.questions import Questions


class SipMsgOps(Questions, Headers, Module, name="sipmsgops"):
    """Ask about messages and change them. Changes show in what is sent; reading a message goes on giving what came in."""
