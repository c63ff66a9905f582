"""Read and change messages as SIP means them: their method, headers, URIs and bodies."""
from __future__ import annotations

from opensips_py.module import Module
from opensips_py.modules.sipmsgops.bodies import Bodies, OldBodies
from opensips_py.modules.sipmsgops.headers import Headers
from opensips_py.modules.sipmsgops.options import Options
from opensips_py.modules.sipmsgops.questions import Questions
from opensips_py.modules.sipmsgops.removing import Removing
from opensips_py.modules.sipmsgops.replies import Replies
from opensips_py.modules.sipmsgops.serializing import Serializing
from opensips_py.modules.sipmsgops.streams import Codecs, Streams
from opensips_py.modules.sipmsgops.uris import RequestUri
from opensips_py.modules.sipmsgops.validation import Validation


class SipMsgOps(Questions, Headers, Removing, Replies, Options, RequestUri, Validation, Codecs, Streams, Bodies,
                OldBodies, Serializing, Module, name="sipmsgops"):
    """Ask about messages and change them. Changes show in what is sent; reading goes on giving what came in."""
