"""The flags of save and lookup: words with commas, or the letters of older scripts."""
from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from opensips_py.module import Kind, Pattern, Unfit, meant
from opensips_py.state.matching import Mode

PATH_OFF, PATH_LAZY, PATH_STRICT = range(3)


@dataclass(frozen=True)
class SaveFlags:
    """What the second argument of save asks for; None: as the parameters say."""

    memory_only: bool = False
    no_reply: bool = False
    max_contacts: int | None = None
    force: bool = False
    matching: Mode | None = None
    path: int | None = None
    path_received: bool = False
    only_request: bool = False
    socket_header: bool = False
    min_expires: int | None = None
    max_expires: int | None = None


@dataclass(frozen=True, slots=True)
class LookupFlags:
    """What the second argument of lookup asks for."""

    no_branches: bool = False
    branches_only: bool = False
    branch: bool = False
    methods: bool = False
    pattern: Pattern | None = None
    max_latency: int = 0
    by_latency: bool = False


SAVE_WORDS: dict[str, tuple[str, Any]] = {
    "memory-only": ("memory_only", True), "no-reply": ("no_reply", True), "max-contacts": ("max_contacts", int),
    "force-registration": ("force", True), "matching-mode": ("matching", str), "path-off": ("path", PATH_OFF),
    "path-lazy": ("path", PATH_LAZY), "path-strict": ("path", PATH_STRICT), "path-received": ("path_received", True),
    "only-request-contacts": ("only_request", True), "socket-header": ("socket_header", True),
    "min-expires": ("min_expires", int), "max-expires": ("max_expires", int)}
SAVE_LETTERS: dict[str, tuple[str, Any]] = {
    "m": ("memory_only", True), "r": ("no_reply", True), "f": ("force", True), "v": ("path_received", True),
    "o": ("only_request", True), "s": ("socket_header", True), "c": ("max_contacts", int),
    "e": ("min_expires", int), "E": ("max_expires", int), "p": ("path", int), "M": ("matching", str)}
LOOKUP_WORDS: dict[str, tuple[str, Any]] = {
    "no-branches": ("no_branches", True), "to-branches-only": ("branches_only", True), "branch": ("branch", True),
    "method-filtering": ("methods", True), "max-ping-latency": ("max_latency", int),
    "sort-by-latency": ("by_latency", True)}
LOOKUP_LETTERS: dict[str, tuple[str, Any]] = {
    "b": ("no_branches", True), "B": ("branches_only", True), "r": ("branch", True), "m": ("methods", True),
    "y": ("max_latency", int), "Y": ("by_latency", True)}


class SaveFlagsKind(Kind):
    """The flags of save."""

    name = "string"

    def convert(self, value: Any) -> SaveFlags:
        text = "" if value is None else str(value).strip()
        if not text:
            return SaveFlags()
        found = words(text, SAVE_WORDS) if named(text, SAVE_WORDS) else letters(text, SAVE_LETTERS, SAVE_WORDS)
        if "matching" in found:
            found["matching"] = matching(found["matching"])
        if not 0 <= found.get("path", 0) <= PATH_STRICT:
            raise ValueError("the flag for Path is p0, p1 or p2")
        return SaveFlags(**found)

    def complete(self) -> tuple[str, ...]:
        return tuple(SAVE_WORDS)


class LookupFlagsKind(Kind):
    """The flags of lookup."""

    name = "string"

    def convert(self, value: Any) -> LookupFlags:
        text = "" if value is None else str(value).strip()
        if not text:
            return LookupFlags()
        if named(text, {**LOOKUP_WORDS, "ua-filtering": 0, "case-insensitive": 0, "extended-regexp": 0}):
            return by_words(text)
        return by_letters(text)

    def complete(self) -> tuple[str, ...]:
        return (*LOOKUP_WORDS, "ua-filtering=", "case-insensitive", "extended-regexp")


def by_words(text: str) -> LookupFlags:
    """The flags of lookup as 4.0 writes them."""
    pattern, rest = None, []
    for word in re.split(r",\s*(?=(?:[a-z-]+(?:=|,|$))|\s*$)", text):
        name, _, value = word.strip().partition("=")
        if name == "ua-filtering":
            pattern = value
        else:
            rest.append(word.strip())
    ignore_case, extended = "case-insensitive" in rest, "extended-regexp" in rest
    rest = [word for word in rest if word not in ("case-insensitive", "extended-regexp")]
    flags = LookupFlags(**words(",".join(rest), LOOKUP_WORDS))
    return flags if pattern is None else replace(flags, pattern=compiled(pattern, ignore_case, extended))


def by_letters(text: str) -> LookupFlags:
    """The flags of lookup as letters."""
    found = re.search(r"u(/(?:[^/\\]|\\.)*/)", text)
    rest = text if found is None else text[:found.start()] + text[found.end():]
    ignore_case, extended = "i" in rest, "e" in rest
    flags = LookupFlags(**letters(rest.replace("i", "").replace("e", ""), LOOKUP_LETTERS, LOOKUP_WORDS))
    return flags if found is None else replace(flags, pattern=compiled(found[1], ignore_case, extended))


def compiled(text: str, ignore_case: bool, extended: bool) -> Pattern:
    """The expression in /.../, letters behind it being flags of its own."""
    found = re.fullmatch(r"/(.*)/([ie]*)", text, re.DOTALL)
    if found is None:
        raise ValueError(f'a user agent is filtered by /expression/, not by "{text}"')
    source = found[1] if extended or "e" in found[2] else as_extended(found[1])
    return Pattern(source, ignore_case=ignore_case or "i" in found[2])


def as_extended(source: str) -> str:
    r"""A basic regular expression as an extended one: `\(` groups there and `(` stands for itself, here they swap."""
    swapped = []
    position = 0
    while position < len(source):
        character = source[position]
        if character == "[":
            end = source.find("]", position + 2)
            end = len(source) if end < 0 else end + 1
            swapped.append(source[position:end])
            position = end
            continue
        if character == "\\" and position + 1 < len(source):
            following = source[position + 1]
            swapped.append(following if following in "(){}+?|" else character + following)
            position += 2
            continue
        swapped.append("\\" + character if character in "(){}+?|" else character)
        position += 1
    return "".join(swapped)


def named(text: str, known: dict[str, Any]) -> bool:
    """Whether *text* is written in words, even if the first one is misspelt."""
    first = re.split(r"[,=]", text, maxsplit=1)[0].strip()
    return first in known or "-" in first or bool(meant(first, known))


def words(text: str, known: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """Words with commas between, as values by attribute."""
    found: dict[str, Any] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, given, value = word.partition("=")
        if name not in known:
            raise ValueError(f'"{name}" is no flag here: there are {", ".join(known)}{meant(name, known)}')
        attribute, kind = known[name]
        if isinstance(kind, type):
            found[attribute] = argument(name, value, kind)
        elif given:
            raise ValueError(f"the flag {name} takes no value")
        else:
            found[attribute] = kind
    return found


def letters(text: str, known: dict[str, tuple[str, Any]], instead: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """Letters, each with its number behind it if it takes one, as values by attribute; scripts of 4.0 write the words
    *instead*."""
    found: dict[str, Any] = {}
    position = 0
    while position < len(text):
        letter = text[position]
        position += 1
        if letter in " \t,":
            continue
        if letter not in known:
            raise Unfit(f'"{letter}" is no flag here: there are {", ".join(known)}',
                        v40=f'"{text}" is no flag here: there are {", ".join(instead)}')
        attribute, kind = known[letter]
        if not isinstance(kind, type):
            found[attribute] = kind
            continue
        behind = re.compile(r"=?(\d+|<[^>]*>)").match(text, position)
        found[attribute] = argument(letter, "" if behind is None else behind[1], kind)
        position = position if behind is None else behind.end()
    return found


def argument(flag: str, value: str, kind: type) -> Any:
    """What stands behind a flag."""
    if kind is int and not value.isdigit():
        raise ValueError(f'the flag {flag} takes a number, not "{value}"')
    if not value:
        raise ValueError(f"the flag {flag} takes a value")
    return kind(value)


def matching(value: str) -> Mode:
    """How contacts are compared: 0, 1, or the name of the URI parameter that decides."""
    name = value.strip("<>")
    if name in ("0", "1"):
        return int(name)
    if name.isdigit():
        raise ValueError("the matching mode is 0, 1 or the name of a URI parameter")
    return name
