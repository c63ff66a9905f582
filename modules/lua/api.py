"""What the functions of the user's file may call, by the names that OpenSIPS has for them.

Each is given the message at hand first, None while the file is loaded; Lua itself may write f(msg, x) or msg:f(x).
"""
from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from opensips_py.errors import MalformedMessage
from opensips_py.module import ScriptMessage
from opensips_py.module.script_message import ScriptExit
from opensips_py.modules.lua.allocated import allocated
from opensips_py.sip import NameAddr

if TYPE_CHECKING:
    from opensips_py.modules.lua import Lua

T = TypeVar("T")
Given = ScriptMessage | None


class Api:
    """The functions, for one generation of the module."""

    def __init__(self, module: Lua) -> None:
        self.module = module

    def table(self) -> dict[bytes, Callable[..., Any]]:
        """The functions by the names that Lua has for them."""
        return {name.encode(): getattr(self, name) for name in dir(self) if name in NAMES}

    # --- the log

    def xlog(self, message: Given, first: Any, text: Any = None) -> None:
        """xlog([level,] text): write to the log; the text is taken as it stands."""
        self.write(message, *((str(first), None) if text is None else (str(first), str(text))))

    def xdbg(self, message: Given, text: Any) -> None:
        """Write to the log at level DBG."""
        self.write(message, "DBG", str(text))

    def write(self, message: Given, first: str, second: str | None) -> None:
        """What xlog() of the script does with texts that are there already."""
        run = None if message is None else message.run
        self.module.registry.functions["xlog"].call(run, first, second)

    # --- the process

    def getpid(self, _: Given) -> int:
        """The number of this process."""
        return os.getpid()

    def gethostname(self, _: Given) -> str:
        """The name of this machine."""
        return socket.gethostname()

    def getmem(self, _: Given) -> dict[str, int]:
        """What this process has allocated, alloc in bytes, and its fragmentation, the percentage that lies idle."""
        found = allocated()
        held, idle = found["uordblks"], found["fordblks"]
        return {"alloc": held, "fragmentation": idle * 100 // max(held + idle, 1)}

    def getmeminfo(self, _: Given) -> dict[str, int]:
        """What the C library tells of its memory: arena, uordblks, fordblks ..."""
        return allocated()

    def WarnMissingFreeFixup(self, _: Given, value: Any = 1) -> int:
        """Set warn_missing_free_fixup; the value that it had."""
        before = int(self.module.warn_missing_free_fixup)
        self.module.warn_missing_free_fixup = bool(value)
        return before

    # --- the message

    def getType(self, message: Given) -> str:
        """SIP_REQUEST or SIP_REPLY."""
        return "SIP_REQUEST" if needed(message).is_request else "SIP_REPLY"

    def getMethod(self, message: Given) -> str | None:
        """The method."""
        return needed(message).method

    def getStatus(self, message: Given) -> str | None:
        """The code of a reply, as a text; nil for a request."""
        status = needed(message).status
        return None if status is None else str(status)

    def getSrcIp(self, message: Given) -> str | None:
        """The address that it came from."""
        return needed(message).source_host

    def getDstIp(self, message: Given) -> str | None:
        """The address that it came to."""
        listener = needed(message).run.message.listener
        return None if listener is None else str(listener.host)

    def getHeader(self, message: Given, name: str) -> str | None:
        """The value of the first header *name*; nil where there is none."""
        return needed(message).headers.get(str(name))

    def getURI_User(self, message: Given) -> str | None:
        """The user of the URI in To."""
        return readable(lambda: needed(message).run.message.to.parsed_uri.user or None)

    def getExpires(self, message: Given) -> int | None:
        """The seconds in Expires; nil without it."""
        return readable(lambda: needed(message).run.message.expires)

    def getContact(self, message: Given) -> list[dict[str, Any]]:
        """The values of Contact: tables with uri, name, and the parameters q and expires where they are."""
        return readable(lambda: [address(each) for each in needed(message).run.message.contacts]) or []

    def getRoute(self, message: Given) -> list[dict[str, Any]]:
        """The values of Route: tables with uri, and name where there is one."""
        return readable(lambda: [address(each) for each in needed(message).run.message.routes]) or []

    def add_lump_rpl(self, message: Given, header: str) -> bool:
        """Add a header line to all replies that this server itself gives to the request."""
        request = needed(message).run.request
        name, colon, value = str(header).strip("\r\n").partition(":")
        if not colon or not name.strip() or any(each in f"{name}{value}" for each in "\r\n\0"):
            raise ValueError(f"{header!r} is no header")
        if request.context is None:
            request.context = {}
        line = f"{name}:{value}\r\n".encode("utf-8", "surrogateescape")
        request.context["reply_headers"] = request.context.get("reply_headers", b"") + line
        return True

    # --- addresses

    def isMyself(self, message: Given, host: str, port: int = 0) -> bool:
        """Whether host, and port if it is given, are ours: a socket or an alias."""
        return bool(needed(message).run.services.transports.is_local(str(host), int(port or 0), None))

    def grepSockInfo(self, message: Given, host: str, port: int = 0) -> bool:
        """Whether host, and port if it is given, are those of a socket."""
        return any(each.host == str(host) and int(port or 0) in (0, each.port)
                   for each in needed(message).run.services.transports.listeners)

    # --- functions and variables of the script

    def moduleFunc(self, message: Given, name: str, *arguments: Any) -> int:
        """Call a function of the script or of any loaded module; its code. nil leaves an argument out."""
        given = [int(each) if isinstance(each, bool) else each for each in arguments]
        found = self.module.registry.functions.get(str(name))
        most = found.declaration.arity[1] if found is not None else None
        while given and given[-1] is None and most is not None and len(given) > most:
            given.pop()
        try:
            return needed(message).call(str(name), *given)
        except ScriptExit:
            return 0

    def pseudoVar(self, message: Given, variable: str) -> int | str | None:
        """The value of a pseudo-variable; nil for NULL."""
        return needed(message)[dollar(variable)]

    def pseudoVarSet(self, message: Given, variable: str, value: Any) -> bool:
        """Assign a pseudo-variable, as `=` in the script does."""
        needed(message)[dollar(variable)] = plain(value)
        return True

    def scriptVarGet(self, message: Given, variable: str) -> int | str | None:
        """The value of $var(variable); nil for NULL."""
        return needed(message).var[inner(variable, "var")]

    def scriptVarSet(self, message: Given, variable: str, value: Any) -> bool:
        """Assign $var(variable)."""
        needed(message).var[inner(variable, "var")] = plain(value)
        return True

    def AVP_get(self, message: Given, name: Any) -> int | str | None:
        """The newest value of $avp(name); nil where it has none."""
        return needed(message).avp.get(inner(name, "avp"))

    def AVP_set(self, message: Given, name: Any, value: Any) -> bool:
        """Give $avp(name) one more value, the newest now."""
        if value is None:
            raise ValueError("a value is needed: AVP_destroy(name) takes an AVP away")
        needed(message).avp.push(inner(name, "avp"), plain(value))
        return True

    def AVP_destroy(self, message: Given, name: Any) -> bool:
        """Take $avp(name) away with all its values; whether it had one."""
        avps, known = needed(message).avp, inner(name, "avp")
        if known not in avps:
            return False
        del avps[known]
        return True


NAMES = frozenset(name for name in vars(Api) if not name.startswith("_")) - {"table", "write"}


def needed(message: Given) -> ScriptMessage:
    """The message at hand."""
    if message is None:
        raise RuntimeError("there is no message while the file is loaded")
    return message


def readable(read: Callable[[], T]) -> T | None:
    """What *read* gives; None where the message holds nothing that can be read."""
    try:
        return read()
    except MalformedMessage:
        return None


def address(value: NameAddr) -> dict[str, Any]:
    """A value of Contact or Route as a table."""
    found: dict[str, Any] = {"uri": value.uri}
    if value.display_text:
        found["name"] = value.display_text
    for each in ("q", "expires"):
        given = value.parameter(each)
        if given is not None:
            found[each] = given
    return found


def dollar(name: str) -> str:
    """The name of a variable as the script writes it."""
    return name if str(name).startswith("$") else f"${name}"


def inner(name: Any, kind: str) -> str:
    """The inner name of a variable that is given as name, $name or $kind(name)."""
    text = str(name).removeprefix("$")
    return text[len(kind) + 1:-1] if text.startswith(f"{kind}(") and text.endswith(")") else text


def plain(value: Any) -> Any:
    """A value as variables have them: true is 1."""
    return int(value) if isinstance(value, bool) else value
