"""Fixes carried out: the edits of findings that leave no doubt, and the texts that they make."""
from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.remedies import Edit, applied

ROUNDS = 20  # a mistake may hide others: what is found after a fix is fixed, too


def sure_edits(diagnostics: Diagnostics) -> list[Edit]:
    """The edits of all findings for which only one fix would do."""
    found: list[Edit] = []
    for each in diagnostics.in_order():
        edits, is_sure = diagnostics.edits_of(each)
        if is_sure:
            found += edits
    return found


def fixed(texts: Mapping[str, str], check: Callable[[Mapping[str, str]], Diagnostics]) -> dict[str, str]:
    """*texts*, by file, with everything fixed that leaves no doubt; *check* finds what is wrong with them."""
    now = dict(texts)
    for _ in range(ROUNDS):
        edits = sure_edits(check(now))
        before = dict(now)
        for file in {each.file for each in edits if each.file in now}:
            now[file] = applied(now[file], [each for each in edits if each.file == file])
        if now == before:
            break
    return now


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The files whose text is another one."""
    return [file for file in after if after[file] != before.get(file)]


def diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The changes of all files, as `diff -u` and `patch` have them."""
    parts: list[str] = []
    for file in changed(before, after):
        lines = difflib.unified_diff(before.get(file, "").splitlines(keepends=True),
                                     after[file].splitlines(keepends=True), file, file)
        parts += [each if each.endswith("\n") else f"{each}\n\\ No newline at end of file\n" for each in lines]
    return "".join(parts)
