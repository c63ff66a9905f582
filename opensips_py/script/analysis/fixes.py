"""Fixes carried out: the edits of findings that leave no doubt, and the texts that they make."""
from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.remedies import Edit, applied

ROUNDS = 20  # a mistake may hide others: what is found after a fix is fixed, too


Texts = Mapping[str, str]
Check = Callable[[Texts], Diagnostics]


def sure_edits(diagnostics: Diagnostics) -> list[list[Edit]]:
    """The edits of each finding for which only one fix would do."""
    found = [diagnostics.edits_of(each) for each in diagnostics.in_order()]
    return [edits for edits, is_sure in found if is_sure]


def with_edits(texts: Texts, edits: list[Edit]) -> dict[str, str]:
    """*texts* with *edits* carried out."""
    changed = dict(texts)
    for file in {each.file for each in edits if each.file in changed}:
        changed[file] = applied(changed[file], [each for each in edits if each.file == file])
    return changed


def fixed(texts: Texts, check: Check) -> dict[str, str]:
    """*texts*, by file, with everything fixed that leaves no doubt; *check* finds what is wrong with them."""
    now = dict(texts)
    found = check(now)
    for _ in range(ROUNDS):
        groups = sure_edits(found)
        after = with_edits(now, [edit for each in groups for edit in each])
        if after == now:
            break
        following = check(after)
        if is_worse(following, found):
            after = with_edits(now, [edit for each in groups if not is_worse(check(with_edits(now, each)), found)
                                     for edit in each])
            following = check(after)
            if after == now or is_worse(following, found):
                break
        now, found = after, following
    return now


def is_worse(after: Diagnostics, before: Diagnostics) -> bool:
    """Whether a fix has brought up another mistake in the place of the one that it mends: that was not what was
    meant."""
    places = {(each.place.file, each.place.line) for each in before.errors}
    again = [each for each in after.errors if (each.place.file, each.place.line) in places]
    return bool(before.errors) and len(after.errors) >= len(before.errors) and bool(again)


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
