"""Answer requests with or without state, whichever fits."""
from typing import Annotated, Any

from opensips_py.errors import ConfigError
from opensips_py.module import Between, Module, Route, Run, pvar, script, uses

Code = Annotated[int, Between(100, 699)]


class Signaling(Module, name="signaling"):
    """Answer requests within their transaction where they have one, else without state. One of tm and sl is needed."""

    tm: Any = uses("tm", optional=True)
    sl: Any = uses("sl", optional=True)

    def load(self) -> None:
        if self.tm is None and self.sl is None:
            raise ConfigError('module signaling answers through tm or sl: add loadmodule "sl.so" or "tm.so"',
                              "signaling")

    @script(Route.REQUEST | Route.FAILURE | Route.ERROR)
    def send_reply(self, run: Run, code: Code, reason: str) -> bool:
        """Answer the request: in its transaction if it has one, else without state."""
        return self.answer(run, code, reason)

    def answer(self, run: Run, code: int, reason: str, headers: bytes = b"", body: bytes = b"") -> bool:
        """Answer the request of *run* as send_reply does; other modules call this."""
        sl, transaction = self.sl, run.transaction
        if sl is None or (transaction is not None and self.tm is not None and not transaction.implicit):
            return bool(self.tm.answer(run, code, reason, body, headers))
        return bool(sl.answer(run, code, reason, headers, body))

    @pvar("sig_local_totag", dialect="4.0")
    def local_tag(self, run: Run) -> str | None:
        """The To tag of answers that send_reply sends; it differs with and without a transaction."""
        request = run.request
        if request is None:
            return None
        if request.to_tag:
            return str(request.to_tag)
        if self.tm is not None and run.transaction is not None and (self.sl is None or not run.transaction.implicit):
            return str(self.tm.local_tag(run.transaction))
        return str(self.sl.tag(request)) if self.sl is not None else None
