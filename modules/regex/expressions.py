"""Perl-compatible expressions that end: by PCRE2, or without it by the regex package, which knows nearly all of them.

As in OpenSIPS, they work on bytes: a dot is one byte, and only letters of ASCII have a case.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import regex

pcre2: Any
try:
    import pcre2
except ImportError:
    pcre2 = None

STEPS = 250_000  # that one search may take: some 25 ms
SECONDS = 0.025  # where steps cannot be counted
LONGEST = 1 << 16  # bytes of an expression
Search = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Options:
    """How expressions are understood, as PCRE names it."""

    caseless: bool = False
    multiline: bool = False
    dotall: bool = False
    extended: bool = False


def compiled(text: str, options: Options) -> Search:
    """A search for *text*, which raises ValueError where it has not ended in time; ValueError for no expression."""
    data = text.encode("utf-8", "surrogateescape")
    if len(data) > LONGEST:
        raise ValueError(f"an expression may have {LONGEST} bytes, this one has {len(data)}")
    return by_pcre2(data, options) if pcre2 is not None else by_regex(data, options)


def flags(library: Any, options: Options) -> int:
    """The options as *library* numbers them."""
    return int(library.IGNORECASE * options.caseless | library.MULTILINE * options.multiline
               | library.DOTALL * options.dotall | library.VERBOSE * options.extended)


def by_pcre2(data: bytes, options: Options) -> Search:
    """The search by PCRE2: the interpreter, as its compiler to machine code does not count all steps."""
    try:
        found = pcre2.compile(b"(*LIMIT_MATCH=%d)" % STEPS + data, flags(pcre2, options), jit=False)
    except pcre2.LibraryError as error:
        raise ValueError(str(error)) from None

    def search(subject: bytes) -> bool:
        try:
            return found.search(subject) is not None
        except pcre2.LibraryError as error:
            raise ValueError(str(error)) from None
    return search


def by_regex(data: bytes, options: Options) -> Search:
    """The search by the regex package."""
    try:
        found = regex.compile(data, flags(regex, options) | regex.ASCII)
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from None

    def search(subject: bytes) -> bool:
        try:
            return found.search(subject, timeout=SECONDS) is not None
        except TimeoutError:
            raise ValueError("it takes too long") from None
    return search
