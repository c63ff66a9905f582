"""Who is calling: the names of numbers, asked of a service over HTTP."""
from typing import Annotated
from urllib.parse import quote

import urllib3

from opensips_py.module import (
    Between,
    Event,
    Module,
    ReturnCode,
    Route,
    Writable,
    add_up,
    concatenate,
    counter,
    deadline,
    mi,
    param,
    process_state,
    pvar,
    script,
)
from opensips_py.sip import Request

Milliseconds = Annotated[int, Between(1, 60000)]


class Answer(ReturnCode):
    """What the service said."""

    NAMED, UNKNOWN, SILENT = 1, -1, -2


class E_CALLERNAME_UNKNOWN(Event):
    """The service has no name for a number."""

    number: str


class CallerName(Module, name="callername", events=[E_CALLERNAME_UNKNOWN]):
    """Give callers the name that a service on the web knows for their number."""

    url: str = param("http://127.0.0.1:8080/names/", "Where to ask; the number is written behind it.")
    timeout: Milliseconds = param(2000, "Milliseconds after which an answer is no longer waited for.")
    asked = counter("Questions to the service.")
    names: dict[str, str] = process_state(dict)  # each worker has its own; a reload keeps it

    def start(self) -> None:
        """Connections to the service stay open between questions."""
        self.http = urllib3.PoolManager(maxsize=10, retries=False)

    @script(Route.REQUEST, waits=True)
    def callername_ask(self, number: str, into: Writable | None = None) -> Answer:
        """Ask for the name of *number*, remember it, and put it *into* a variable.

        Only the route that asks waits: gevent lets the worker go on with other messages meanwhile.
        """
        self.asked.add()
        try:
            with deadline(self.timeout / 1000):
                answer = self.http.request("GET", self.url + quote(number, safe=""))
        except (TimeoutError, urllib3.exceptions.HTTPError) as error:
            self.log.warning("no answer about %s: %s", number, error)
            return Answer.SILENT
        name = " ".join(answer.data.decode(errors="replace").split()) if answer.status == 200 else ""
        if not name:
            self.raise_event(E_CALLERNAME_UNKNOWN(number))
            return Answer.UNKNOWN
        self.names[number] = name
        if into is not None:
            into.set(name)
        return Answer.NAMED

    @script(Route.REQUEST | Route.BRANCH)
    def callername_show(self, request: Request, header: str = "Caller-Name") -> bool:
        """Add a header with the name of the caller; false where nobody has asked for it yet."""
        name = self.callername(request)
        if name is None:
            return False
        request.append_header(f"{header}: {name}\r\n")
        return True

    @pvar("callername")
    def callername(self, request: Request, name: str = "") -> str | None:
        """The name of number *name*, without it of the caller, as far as it was asked for; else NULL."""
        return self.names.get(name or request.from_.parsed_uri.user)

    @mi("callername_list", v40="callername:list", scope="each", merge=concatenate)
    def known(self) -> list[dict[str, str]]:
        """All names that are remembered."""
        return [{"number": number, "name": name} for number, name in sorted(self.names.items())]

    @mi("callername_forget", v40="callername:forget", scope="each", merge=add_up)
    def forget(self, number: str = "") -> int:
        """Forget the name of *number*, or all; tells how many were forgotten."""
        forgotten = [each for each in self.names if number in ("", each)]
        for each in forgotten:
            del self.names[each]
        return len(forgotten)
