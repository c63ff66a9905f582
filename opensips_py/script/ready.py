"""Code of long routes that another process has compiled.

Python compiles a route in one piece, which no other thread interrupts: 50 ms for 1,600 statements, and a worker whose
event loop has to wait for so long is late for its calls. The process that checks a configuration hands over what it has
compiled; a worker that comes to the very same syntax tree takes that.
"""
from __future__ import annotations

import ast
import base64
import hashlib
import marshal
from collections.abc import Iterator, Mapping
from types import CodeType
from typing import cast

from opensips_py.script.generate import children

LONG = 2000  # nodes of a syntax tree, which take less than 4 ms
PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")


class Codes:
    """Compiles routes: *ready* is the code of long ones by the fingerprint of their tree, *made* what was compiled."""

    def __init__(self, ready: Mapping[str, str] | None = None) -> None:
        self.ready = ready or {}
        self.made: dict[str, str] = {}

    def code(self, module: ast.Module, file: str) -> CodeType:
        """The code of *module*, which stands in *file*."""
        if not is_long(module):
            return compile(module, file, "exec")
        key = fingerprint(module, file)
        if key in self.ready:
            found: CodeType = marshal.loads(base64.b64decode(self.ready[key]))
            return found
        made = compile(module, file, "exec")
        self.made[key] = base64.b64encode(marshal.dumps(made)).decode()
        return made


def is_long(module: ast.Module) -> bool:
    """Whether compiling takes longer than calls may wait."""
    count, left = 0, [cast(ast.AST, module)]
    while left and count <= LONG:
        count += 1
        left += children(left.pop())
    return count > LONG


def fingerprint(module: ast.Module, file: str) -> str:
    """What tells this tree from any other: all that is in it, with the places."""
    digest = hashlib.blake2b(file.encode("utf-8", "backslashreplace"), digest_size=20)
    left: list[ast.AST] = [module]
    while left:
        node = left.pop()
        words = [type(node).__name__]
        for name in node._fields:
            for each in flat(getattr(node, name, None)):
                if isinstance(each, ast.AST):
                    left.append(each)
                    words.append("*")
                else:
                    words.append(repr(each))
        words += [repr(getattr(node, each, None)) for each in PLACE]
        digest.update("\0".join(words).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def flat(value: object) -> Iterator[object]:
    """A field of a node; of a list its items, between brackets."""
    if not isinstance(value, list):
        yield value
        return
    yield "["
    yield from value
    yield "]"


def dismantle(modules: list[ast.Module]) -> None:
    """Give trees back that nobody needs any more, statement by statement: a whole one goes in one piece, too."""
    while modules:
        for function in modules.pop().body:
            body = getattr(function, "body", [])
            while body:
                body.pop()
