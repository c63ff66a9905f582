"""t_write_req and t_write_unix: what another program needs to know of a request."""
from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opensips_py.errors import ConfigError
from opensips_py.module import Format, Route, Run, param_setter, script
from opensips_py.transaction import injecting

if TYPE_CHECKING:
    import logging

    from opensips_py.module.registry import Registry
    from opensips_py.transaction import Transaction, TransactionLayer

WHERE = Route.REQUEST | Route.FAILURE | Route.BRANCH


@dataclass(frozen=True)
class Appendix:
    """Lines that the script adds: their names and formats; *body*: the body of the request ends it all."""

    lines: tuple[tuple[str, Format], ...]
    body: bool


class Writing:
    """Functions that hand a request to another program, which answers by the MI command t_reply."""

    layer: TransactionLayer
    registry: Registry
    log: logging.Logger
    unix_tx_timeout: int

    @param_setter("tw_append")
    def append(self, value: str) -> None:
        """Lines to append, as ``name: element;element``, each element a variable, with ``title=`` before it if the line
        shall not be titled as the variable; $rb puts the body at the end."""
        name, colon, elements = value.partition(":")
        if not colon or not elements.strip():
            raise ConfigError('write tw_append as "name: title=$variable; $variable"', "tm", "tw_append")
        self.__dict__.setdefault("appendices", {})[name.strip()] = elements

    def appendix(self, name: str) -> Appendix | None:
        """The appendix *name*, compiled on first use."""
        known: dict[str, str | Appendix] = self.__dict__.get("appendices", {})
        found = known.get(name)
        if isinstance(found, str):
            found = known[name] = self.compile(found)
        return found

    def compile(self, elements: str) -> Appendix:
        """Read what stands behind the name of a tw_append."""
        lines, body = [], False
        for element in filter(None, (each.strip() for each in elements.split(";"))):
            title, equals, variable = element.partition("=")
            if not equals:
                title, variable = element.lstrip("$"), element
            if variable.strip() == "$rb":
                body = True
            else:
                assert self.registry.script is not None
                lines.append((title.strip(), self.registry.script.format(variable.strip())))
        return Appendix(tuple(lines), body)

    @script(WHERE, name="t_write_req")
    def write_request(self, run: Run, info: str, fifo: str) -> bool:
        """Write what another program needs of the request into the named pipe *fifo*; *info* is action[/appendix]."""
        text = self.description(run, info)
        if text is None:
            return False
        try:
            pipe = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            why = "nobody reads it" if error.errno == errno.ENXIO else error.strerror
            self.log.error("t_write_req: %s: %s", fifo, why)
            return False
        try:
            return os.write(pipe, text) == len(text)
        except OSError as error:
            self.log.error("t_write_req: %s: %s", fifo, error.strerror)
            return False
        finally:
            os.close(pipe)

    @script(WHERE, name="t_write_unix", waits=True)
    def write_unix(self, run: Run, info: str, sock: str) -> bool:
        """Send what another program needs of the request to the datagram socket *sock*; *info* as for t_write_req."""
        text = self.description(run, info)
        if text is None:
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(self.unix_tx_timeout)
            try:
                sender.sendto(text, sock)
            except OSError as error:
                self.log.error("t_write_unix: %s: %s", sock, error)
                return False
        return True

    def description(self, run: Run, info: str) -> bytes | None:
        """One line each: format version, action, method, user and domain of the Request-URI, Request-URI, source, From,
        To, Call-ID, From tag, To tag, CSeq, transaction; then the appendix, a line with a dot, and the body."""
        action, _, name = info.partition("/")
        appendix = self.appendix(name) if name else None
        if name and appendix is None:
            self.log.error("t_write_req: there is no tw_append %s", name)
            return None
        transaction: Transaction | None = run.transaction or self.layer.new_transaction(run)
        if transaction is None:
            return None
        transaction.acted = True
        injecting.await_branches(transaction)  # should nobody answer, fr_inv_timeout does
        request, uri = run.request, run.request.parsed_uri
        lines = ["0.3", action, request.method, uri.user or "", uri.host, request.uri,
                 f"{request.source_host}:{request.source_port}", request.header("From"), request.header("To"),
                 request.call_id, request.from_tag, request.to_tag, str(request.cseq), self.layer.identify(transaction)]
        for title, value in appendix.lines if appendix else ():
            lines.append(f"{title}: {value(run) or ''}")
        body: bytes = request.body if appendix is not None and appendix.body else b""
        return "\n".join(each or "." for each in lines).encode("utf-8", "surrogateescape") + b"\n.\n" + body
