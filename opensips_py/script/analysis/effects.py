"""What functions do to a request: answer it, send it on, or something that cannot be known."""
from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

from opensips_py.module.loader import upstream_modules
from opensips_py.script import tree

if TYPE_CHECKING:
    from opensips_py.module.registry import BoundFunction


class Effect(Enum):
    """What becomes of a request."""

    NONE = "is left alone"
    ANSWERED = "is answered"
    RELAYED = "is relayed"
    UNKNOWN = "may be answered"


WITH_CODE = frozenset(("sl_send_reply", "send_reply", "t_reply", "t_reply_with_body", "t_reply_by_callid"))
ANSWERING = frozenset((
    "sl_reply_error", "options_reply", "save", "mid_registrar_save", "www_challenge", "proxy_challenge",
    "digest_challenge", "aka_www_challenge", "aka_proxy_challenge", "handle_publish", "handle_subscribe",
    "rls_handle_subscribe", "b2b_init_request", "b2b_server_new", "cc_handle_call", "cpl_process_register",
    "cpl_process_register_norpl", "pn_process_purr"))
RELAYING = frozenset(("t_relay", "forward", "msrp_relay", "send_smpp_message"))
UNKNOWN = frozenset((
    "python_exec", "lua_exec", "lua_meta_exec", "perl_exec", "perl_exec_simple", "cpl_run_script", "java_method_exec",
    "sca_set_called_line", "t_inject_branches", "t_wait_for_new_branches", "send"))
# Functions that tell the same whenever they are asked about one message: what was decided once stays so.
STEADY = frozenset(("has_totag", "is_myself", "isflagset", "isbflagset", "issflagset", "is_present_hf", "is_user",
                    "t_was_cancelled", "has_body", "is_avp_set", "is_privacy", "check_via", "src_ip", "is_direction"))


def effect(call: tree.Call, functions: Mapping[str, BoundFunction]) -> Effect:
    """What *call* does to the request at hand."""
    name = call.name
    if name == "save" and is_silent(call):
        return Effect.NONE
    if name in WITH_CODE:
        return of_code(call.arguments[0] if call.arguments else None)
    if name in ANSWERING:
        return Effect.ANSWERED
    if name in RELAYING:
        return Effect.RELAYED
    found = functions.get(name)
    foreign = found is not None and found.module.name != "core" and found.module.name not in upstream_modules()
    return Effect.UNKNOWN if name in UNKNOWN or foreign else Effect.NONE


def of_code(code: tree.Expression | None) -> Effect:
    """A reply with this status: one below 200 is no answer."""
    text = code.value if isinstance(code, (tree.Number, tree.String)) else None
    if text is None or not str(text).isdigit():
        return Effect.UNKNOWN
    return Effect.ANSWERED if int(text) >= 200 else Effect.NONE


def is_silent(call: tree.Call) -> bool:
    """Whether a save() has the flag that keeps it from answering."""
    flags = call.arguments[1] if len(call.arguments) > 1 else None
    if not isinstance(flags, tree.String):
        return False
    return "no-reply" in flags.value or ("r" in flags.value and "-" not in flags.value and "," not in flags.value)
