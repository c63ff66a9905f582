"""Substitutions as sed has them, on the message or on its Request-URI."""
from __future__ import annotations

from opensips_py.module import Route, Run, script
from opensips_py.modules.textops.matching import EVERYWHERE, headers_start
from opensips_py.modules.textops.rewriting import Rewriting, Subst
from opensips_py.sip import Message, Request

ON_URIS = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH


class Substituting:
    """Functions that take /expression/replacement/flags. In the replacement \\0 is the match, \\1 to \\9 are its
    groups, \\u is the Request-URI, and pseudo-variables have their values; flag i ignores case, g replaces every match,
    s lets a dot match line ends. Any character may stand for the slashes."""

    @script(EVERYWHERE)
    def subst(self, run: Run, message: Message, subexp: Subst) -> bool:
        """Substitute in headers and body; false without a match."""
        return rewrite(run, message, subexp, headers_start(message))

    @script(EVERYWHERE)
    def subst_body(self, run: Run, message: Message, subexp: Subst) -> bool:
        """Substitute in the body; false without a match."""
        return bool(message.content_length) and rewrite(run, message, subexp, message.body_offset)

    @script(ON_URIS)
    def subst_uri(self, run: Run, request: Request, subexp: Subst) -> bool:
        """Substitute in the Request-URI, whose new value shows at once; false without a match, or for a response."""
        changed = rewritten(run, request.uri, subexp) if request.is_request else None
        if not changed:
            return False
        request.uri = changed
        return True

    @script(ON_URIS)
    def subst_user(self, run: Run, request: Request, subexp: Subst) -> bool:
        """Substitute in the user of the Request-URI; one that becomes empty goes with its password."""
        if not request.is_request:
            return False
        before, user, behind = around_user(request.uri)
        changed = rewritten(run, user, subexp)
        if changed is None:
            return False
        if not changed and "@" in behind:
            behind = behind.partition("@")[2]
        elif not user:
            behind = "@" + behind
        request.uri = before + changed + behind
        return True


def rewrite(run: Run, message: Message, subexp: Rewriting, start: int) -> bool:
    """Substitute in *message* from *start* on."""
    found = list(subexp.changes(run, message.data, start))
    for begin, end, text in found:
        message.edits.replace(begin, end, text)
    return bool(found)


def rewritten(run: Run, text: str, subexp: Rewriting) -> str | None:
    """*text* with the substitution carried out; None without a match."""
    data = text.encode("utf-8", "surrogateescape")
    position = 0
    out: list[bytes] = []
    for begin, end, replacement in subexp.changes(run, data):
        out += [data[position:begin], replacement]
        position = end
    return b"".join([*out, data[position:]]).decode("utf-8", "surrogateescape") if out else None


def around_user(uri: str) -> tuple[str, str, str]:
    """A URI as what stands before its user, the user, and the rest; in a tel URI the number is the user."""
    scheme, colon, rest = uri.partition(":")
    userinfo, at, _ = rest.partition("@")
    if at:
        user = userinfo.partition(":")[0]
    elif scheme.lower() == "tel":
        user = rest.partition(";")[0]
    else:
        user = ""
    return scheme + colon, user, rest[len(user):]
