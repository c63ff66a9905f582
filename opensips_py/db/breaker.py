"""A circuit breaker: who was gone a moment ago is not asked, so that nobody waits for it in vain."""
from __future__ import annotations

FIRST, LONGEST = 0.5, 5.0  # seconds until the next attempt


class Breaker:
    """Says whether to try. After a failure nobody tries for a while; then one does, alone, and its outcome decides.

    Every failure in a row doubles the while, up to *longest* seconds. Times are seconds of any steady clock.
    """

    def __init__(self, first: float = FIRST, longest: float = LONGEST) -> None:
        self.first, self.longest = first, longest
        self.failures = 0
        self.until = 0.0  # nobody tries before
        self.trying = False  # one does, after a failure

    @property
    def is_closed(self) -> bool:
        """Whether all is well."""
        return self.failures == 0

    def allows(self, now: float) -> bool:
        """Whether to try; after a failure, whoever is told so owes an answer: succeeded(), failed() or given_up()."""
        if not self.failures:
            return True
        if self.trying or now < self.until:
            return False
        self.trying = True
        return True

    def succeeded(self) -> bool:
        """It worked; whether that is news."""
        news = self.failures > 0
        self.failures, self.trying = 0, False
        return news

    def failed(self, now: float) -> bool:
        """It did not work; whether that is news. Calls that began before the first failure are none of their own."""
        if self.failures and not self.trying:
            return False
        self.until = now + min(self.first * 2.0 ** min(self.failures, 30), self.longest)
        self.failures, self.trying = self.failures + 1, False
        return self.failures == 1

    def given_up(self) -> None:
        """The attempt ended without an outcome: the next one may try."""
        self.trying = False
