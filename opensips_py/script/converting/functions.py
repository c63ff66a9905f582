"""Calls whose arguments stand otherwise in 4.0: from the arguments as written to the call to write."""
from __future__ import annotations

import re
from collections.abc import Callable

from opensips_py.script import renames

Made = Callable[[str, list[str]], str | None]  # name and arguments -> the new call; None leaves the old one
SWAPPED = {"setbflag": "setbflag", "resetbflag": "resetbflag", "isbflagset": "isbflagset",
           "setbranchflag": "setbflag", "resetbranchflag": "resetbflag", "isbranchflagset": "isbflagset"}
AVP = re.compile(r"\$avp\([\w.-]+\)")
ADDRESS = re.compile(r"[.:]")


def bare(text: str) -> str:
    """An argument without its quotes."""
    return text[1:-1] if text[:1] in ("\"", "'") and text[-1:] == text[:1] else text


def call(name: str, arguments: list[str]) -> str:
    """A call; arguments that are left out at its end go."""
    while arguments and not arguments[-1]:
        arguments.pop()
    return f"{name}({', '.join(arguments)})".replace("(, ", "(, ")


def branch_flag(name: str, given: list[str]) -> str | None:
    """(branch, flag) becomes (flag, branch)."""
    if len(given) == 2:
        given = [given[1], bare(given[0])]
    return call(SWAPPED[name], [flag(given[0]), *given[1:]]) if given else None


def flag(text: str) -> str:
    """A flag in quotes."""
    return text if text[:1] in ("\"", "'") or text.startswith("$") else f'"{text}"'


def relay(name: str, given: list[str]) -> str | None:
    """t_relay(flags), t_relay(proxy), t_relay(proxy, flags) become t_relay(flags, proxy)."""
    if not given:
        return None
    first = bare(given[0])
    if len(given) == 1 and not ADDRESS.search(first) and first[:1].isdigit():
        return call(name, [relay_flags(given[0])])
    return call(name, [relay_flags(given[1]) if len(given) > 1 else "", given[0]])


def relay_flags(text: str) -> str:
    """Flags as a number to flags as words."""
    number = bare(text)
    try:
        bits = int(number, 0)
    except ValueError:
        return text
    words = [each.to for key in ("0x02", "0x04", "0x08", "0x10")
             if bits & int(key, 16) and (each := renames.find("flags", f"t_relay.{key}")) is not None]
    return f'"{",".join(words)}"' if words else ""


def with_words(name: str, given: list[str]) -> str | None:
    """Letters of save() and lookup() to words."""
    if len(given) < 2 or "$" in given[1] or given[1][:1] not in ("\"", "'"):
        return None
    text, words, at = bare(given[1]), [], 0
    while at < len(text):
        size = 2 if text[at] == "p" else 1
        found = renames.find("flags", f"{name}.{text[at:at + size]}")
        if found is None:
            return None
        at += size
        digits = re.match(r"\d+", text[at:]) if found.to.endswith("=") else None
        words.append(found.to + (digits[0] if digits else ""))
        at += len(digits[0]) if digits else 0
    return call(name, [given[0], f'"{",".join(words)}"', *given[2:]]) if words else None


def remove_header(name: str, given: list[str]) -> str | None:
    """remove_hf(name, "r") and (name, "g") have names of their own."""
    if len(given) != 2:
        return None
    other = {"r": "remove_hf_re", "g": "remove_hf_glob"}.get(bare(given[1]))
    return call(other, given[:1]) if other else None


def registered(name: str, given: list[str]) -> str | None:
    """registered() asks for the Request-URI unless told otherwise."""
    if not given:
        return None
    aor = given[1] if len(given) > 1 and given[1] else '"$ru"'
    if len(given) > 2:
        return call("is_contact_registered", [given[0], aor, "", given[2]])
    return call("is_registered", [given[0], aor])


def remove(name: str, given: list[str]) -> str | None:
    """remove(table, aor, host): the host of the next hop comes fourth."""
    if len(given) != 3 or bare(given[2]).lower().startswith(("sip:", "sips:")) or "$" in given[2]:
        return None
    return call(name, [given[0], given[1], "", given[2]])


def body(name: str, given: list[str]) -> str | None:
    """A text that becomes the whole body."""
    return "{ remove_body_part(); " + call("add_body_part", given) + "; }" if len(given) == 2 else None


def part(name: str, given: list[str]) -> str | None:
    """The only part that stays."""
    return call("remove_body_part", [given[0], '"revert"']) if len(given) == 1 else None


def challenge(name: str, given: list[str]) -> str | None:
    """The quality of protection as 0 or 1 becomes none, or its name."""
    qop = bare(given[1]) if len(given) == 2 else ""
    return call(name, [given[0], '"auth"' if qop == "1" else ""]) if qop in ("0", "1") else None


def replace_uri(name: str, given: list[str]) -> str | None:
    """The URI alone comes second."""
    return call(name, ["", given[0]]) if len(given) == 1 else None


def event_parameters(name: str, given: list[str]) -> str | None:
    """fetch_event_params("ip=$avp(x);$avp(y)") becomes assignments of $param(ip), $param(2)."""
    made = []
    for number, each in enumerate(bare(given[0]).split(";") if len(given) == 1 else (), 1):
        wanted, sign, variable = each.strip().partition("=")
        made.append(f"{variable.strip()} = $param({wanted.strip()});" if sign else f"{wanted} = $param({number});")
    return "{ " + " ".join(made) + " }" if made else None


def is_set(name: str, given: list[str]) -> str | None:
    """is_avp_set("$avp(x)"), without flags, is a comparison."""
    return f"({bare(given[0])} != NULL)" if len(given) == 1 and AVP.fullmatch(bare(given[0])) else None


def delete(name: str, given: list[str]) -> str | None:
    """avp_delete() of the newest value, or with the flag g of all."""
    avp, _, flags = bare(given[0]).partition("/") if len(given) == 1 else ("", "", "")
    if not AVP.fullmatch(avp) or flags not in ("", "g"):
        return None
    return f"$({avp[1:]}[*]) = NULL" if flags else f"{avp} = NULL"


def substitute(name: str, given: list[str]) -> str | None:
    """avp_subst() of the newest value."""
    avp, expression = (bare(each) for each in given) if len(given) == 2 else ("", "")
    if not AVP.fullmatch(avp) or not expression.startswith("/") or any(each in expression for each in "{}()$,"):
        return None
    return f"{avp} = $({avp[1:]}{{re.subst,{expression}}})"


def quoted(name: str, given: list[str]) -> str | None:
    """A socket, an address or a port without quotes gets them."""
    return call(name, [flag(each) for each in given])


def set_level(name: str, given: list[str]) -> str | None:
    """setdebug(number) assigns $log_level; without a number it is the configured one again."""
    return f"$log_level = {bare(given[0]) if given else 'NULL'}" if len(given) < 2 else None


def execute(name: str, given: list[str]) -> str | None:
    """exec_msg() of which nobody asks how it ended: the message is the input of the command."""
    return call("exec", [given[0], "$mb"]) if len(given) == 1 else None


CALLS: dict[str, Made] = {
    "is_avp_set": is_set, "avp_delete": delete, "avp_subst": substitute, "setdebug": set_level, "exec_msg": execute,
    **dict.fromkeys(("www_challenge", "proxy_challenge"), challenge),
    **dict.fromkeys(("uac_replace_from", "uac_replace_to"), replace_uri), "fetch_event_params": event_parameters,
    **dict.fromkeys(SWAPPED, branch_flag), "t_relay": relay, "save": with_words, "lookup": with_words,
    "remove_hf": remove_header, "registered": registered, "remove": remove, "add_body": body, "filter_body": part,
    **dict.fromkeys(("force_send_socket", "set_advertised_address", "set_advertised_port"), quoted),
}
# What becomes an assignment or more than one call, so that it can be no condition
STATEMENTS = frozenset(("add_body", "fetch_event_params", "avp_delete", "avp_subst", "setdebug", "exec_msg"))
