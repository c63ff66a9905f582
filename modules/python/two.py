"""Recognizes Python 2, which the scripts of OpenSIPS 2.1 are written in, and says what to write in its place."""
from __future__ import annotations

import re

TO_FILE = (re.compile(r"^\s*print\s*>>"), "print is a function: print(..., file=f)")
SYNTAX = (  # what a line of Python 2 looks like, and its form in Python 3
    TO_FILE,
    (re.compile(r"^\s*print\b(?!\s*[(=.])"), "print is a function: print(...)"),
    (re.compile(r"^\s*exec\s+(?!\()\S"), "exec is a function: exec(...)"),
    (re.compile(r"^\s*except\s+[\w.]+\s*,\s*\w+\s*:"), "write `except X as e:`"),
    (re.compile(r"^\s*except\s*\([^)]*\)\s*,\s*\w+\s*:"), "write `except (X, Y) as e:`"),
    (re.compile(r"^\s*raise\s+[\w.]+\s*,"), "write `raise X(...)`"),
    (re.compile(r"<>"), "write `!=`"),
    (re.compile(r"`[^`]*`"), "write repr(...)"),
    (re.compile(r"\b0[0-7]+\b"), "write octal numbers 0o..."),
    (re.compile(r"\b\d+[lL]\b"), "write long numbers without L"),
    (re.compile(r"""\b[uU][rR]["']"""), 'write r"..."'),
    (re.compile(r"^\s*def\s+\w+\s*\(.*\([^)]*\).*\)\s*:"), "take a tuple as one parameter and unpack it"),
    (re.compile(r"\blambda\s*\("), "take a tuple as one parameter and unpack it"),
)
MODULES = {"ConfigParser": "configparser", "Queue": "queue", "StringIO": "io", "cStringIO": "io", "cPickle": "pickle",
           "httplib": "http.client", "urllib2": "urllib.request", "urlparse": "urllib.parse", "commands": "subprocess",
           "thread": "threading", "SocketServer": "socketserver", "BaseHTTPServer": "http.server",
           "xmlrpclib": "xmlrpc.client", "MySQLdb": "MySQLdb of the package mysqlclient", "md5": "hashlib",
           "sets": "set", "__builtin__": "builtins", "exceptions": "built-in exceptions"}
NAMES = {"unicode": "str", "basestring": "str", "long": "int", "xrange": "range", "raw_input": "input",
         "unichr": "chr", "reduce": "functools.reduce", "reload": "importlib.reload", "file": "open",
         "cmp": "(a > b) - (a < b)",
         "execfile": "exec(open(...).read())"}
METHODS = {"has_key": "`key in d`", "iteritems": "items()", "itervalues": "values()", "iterkeys": "keys()"}
WHOLE = "; 2to3 rewrites most of a file"


def advice(message: str, line: str, cause: BaseException | None) -> str:
    """What to add to the error *message* of a file where it is Python 2 in *line*, or by what it raised, *cause*;
    nothing where it is not."""
    if isinstance(cause, SyntaxError):  # of a module that it imports
        message, line = cause.msg, cause.text or ""
    elif cause is not None:
        printed = isinstance(cause, TypeError) and TO_FILE[0].search(line)  # to Python 3 it is a shift
        return f". This is Python 2: {TO_FILE[1]}{WHOLE}" if printed else renamed(cause)
    if "inconsistent use of tabs" in message:
        return ". This is Python 2: indent with blanks alone" + WHOLE
    for pattern, write in SYNTAX:
        if pattern.search(line):
            return f". This is Python 2: {write}{WHOLE}"
    return ""


def renamed(error: BaseException) -> str:
    """What Python 3 calls the thing of Python 2 that *error* misses."""
    wanted = getattr(error, "name", None) or ""
    if isinstance(error, ModuleNotFoundError) and wanted in MODULES:
        return f". This is Python 2: use {MODULES[wanted]}{WHOLE}"
    if isinstance(error, NameError) and wanted in NAMES:
        return f". This is Python 2: use {NAMES[wanted]}{WHOLE}"
    if isinstance(error, AttributeError) and wanted in METHODS:
        return f". This is Python 2: use {METHODS[wanted]}{WHOLE}"
    return ""
