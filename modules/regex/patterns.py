"""Perl-compatible regular expressions by PCRE2, over bytes, with a limit on the work of one match."""
from __future__ import annotations

import re

try:
    import pcre2
except ImportError:
    raise ImportError('pcre2 is missing: pip install "opensips-py[pcre]"') from None

OCTAL_OF_OLD = re.compile(r"(?<!\\)((?:\\\\)*)\\([89]\d+)")
LIMIT = 1_000_000  # steps of one match, some 50 ms: a pattern that explodes holds up a worker no longer


class Pcre:
    """A compiled pattern; ValueError where *text* is none."""

    def __init__(self, text: str, flags: int = 0) -> None:
        self.text = text
        try:
            self.compiled = compiled(text, flags)
        except pcre2.PatternError as error:
            try:
                self.compiled = compiled(as_of_old(text), flags)
            except pcre2.PatternError:
                raise ValueError(f'"{text}" is no pattern: {error}') from None

    def matches(self, text: str) -> bool:
        """Whether the pattern occurs in *text*; TimeoutError where that is too much work to find out."""
        try:
            return self.compiled.search(encoded(text)) is not None
        except pcre2.LibraryError as error:
            raise TimeoutError(str(error)) from None


def compiled(text: str, flags: int) -> pcre2.Pattern:
    """A pattern that stops after so many steps."""
    # without JIT, which counts its steps in another way and has a stack of 32 KiB for long texts
    return pcre2.compile(f"(*LIMIT_MATCH={LIMIT})".encode() + encoded(text), flags, jit=False)


def as_of_old(text: str) -> str:
    """*text* as the PCRE of OpenSIPS 2.1 reads it: \\810 without so many groups is 810, in PCRE2 it is no pattern."""
    return OCTAL_OF_OLD.sub(lambda found: found[1] + found[2] if int(found[2]) > text.count("(") else found[0], text)


def flags_of(caseless: bool, multiline: bool, dotall: bool, extended: bool) -> int:
    """The options as PCRE2 has them."""
    chosen = (caseless, pcre2.IGNORECASE), (multiline, pcre2.MULTILINE), (dotall, pcre2.DOTALL), (extended,
                                                                                                 pcre2.VERBOSE)
    return sum(int(flag) for on, flag in chosen if on)


def encoded(text: str) -> bytes:
    """The bytes of a text."""
    return text.encode("utf-8", "surrogateescape")
