"""The codes of findings: one for each kind of mistake, stable whatever the words, and what to do where no fix is known.

A code is found by the words of the message, so that whoever reports a mistake need not know the table, and a mistake
reported from many places has one code. A test reads the sources and fails where a message has no code.
"""
from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

OTHER = {"error": "E0900", "warning": "W0900", "note": "N0900"}


class Code(NamedTuple):
    """A kind of finding: how its messages begin, and the fix for all of them that name none."""

    code: str
    pattern: str
    help: str = ""


ERRORS = (
    # Spelling
    Code("E0101", r"unexpected character"),
    Code("E0102", r"text without (?:closing|opening) quote"),
    Code("E0103", r"comment without end"),
    Code("E0124", r"';' stands behind"),
    Code("E0126", r"for goes through the values"),
    Code("E0127", r"a quote inside of a text ends it|a quote too many"),
    Code("E0128", r"a URL stands in quotes|.* stands in quotes, and a socket does not|'.*://' begins no socket"),
    Code("E0125", r"'(?://|--)' begins no comment"),
    Code("E0104", r"missing '.*' |'(?!=')[^']*'(?: or '\)')? expected"),
    Code("E0122", r"'[({]' stands twice|.* stands? in parentheses|';' stands between arguments"),
    Code("E0107", r"'.*' is no operator"),
    Code("E0105", r"the block of .* is not closed"),
    Code("E0106", r"'[])}]' without a "),
    Code("E0107", r"'=' assigns, and this is a condition"),
    Code("E0108", r"comparisons cannot be chained|a text is no condition|'.' joins no conditions|'.' joins bits"),
    Code("E0109", r"a number expected", "write a number"),
    Code("E0109", r"an? (?:value|quoted text|statement|assignment|parameter, .*|route) expected"
                  r"|the (?:loop variable|variable to go through) expected|(?:async|launch) needs the (?:call|name)"
                  r"|route\(\) needs the name|a condition in parentheses expected|a route begins with \{"
                  r"|an operator is missing",
         "write what is missing"),
    Code("E0110", r"\S+ is no octal number|\S+ is too large"),
    Code("E0111", r"'.*' is no statement"),
    Code("E0112", r"'.*' takes no block|\S+ takes no argument|one value stands behind return"),
    Code("E0123", r"'\.' joins no texts|a pattern stands in quotes"),
    Code("E0307", r"what stands behind .* needs parentheses"),
    Code("E0113", r"a case is a number or a text|'default' is the last|a switch needs a case"),
    Code("E0113", r"a switch is on", "write switch ($var(x)) { ... }"),
    Code("E0113", r"'(?:else|case|default)' without", "put it inside of the statement that it belongs to"),
    Code("E0113", r"'case' or 'default' expected", "write it behind a case"),
    Code("E0114", r"'==' compares, and this is an assignment"),
    Code("E0307", r"the name of \$.* stands in parentheses"),
    Code("E0115", r"missing \S behind|the name of a variable is missing|.* behind the variable |<.*> is no context"
                  r"|\[.*\] is no index|a variable starts with \$|a \$\(\.\.\.\)",
         "write $name, $name(x) or $(name(x)[0])"),
    Code("E0117", r"the name of a route is one word|'.' cannot stand in the name of a route"),
    Code("E0116", r"loadmodule needs a name|the value of the parameter is missing"
                  r"|the (?:value|module|parameter) of a modparam"),
    Code("E0117", r"the name of a \w+ stands in brackets", "write route[name] { ... }"),
    Code("E0117", r"\S+_route needs a name|a \w+ needs a name|\w+\[\] needs a name|an? \w+ has no name: "
                  r"|a timer_route needs the seconds|'.*' does not belong behind the name",
         "write route[name] { ... }"),
    Code("E0118", r"'.*\(\.\.\.\)' stands outside|'=' expected behind"),
    Code("E0119", r".* is nested too deeply"),
    Code("E0120", r"'.*' cannot stand in an argument", "compute it before: $var(x) = ...;"),
    Code("E0121", r"'.*' is no type|the name of a local is|a local is given its first|the default of \S+ is"
                  r"|\$\S+ needs a default|an? \w+ is called by nobody|import_python needs the name"),
    # Names
    Code("E0403", r"module \S+ is (?:not loaded|unknown.*); loadmodule stands before|.*; loadmodule stands before",
         "move the line behind the loadmodule line of that module"),
    Code("E0201", r"module \S+ is unknown$", "`opensips-py modules` lists the modules that there are"),
    Code("E0201", r"module \S+ is a file"),
    Code("E0201", r"module \S+ is not available", "leave it out, with what needs it, until it is there"),
    Code("E0201", r"\S+ needs its driver|module \S+ needs module \S+"),
    Code("E0304", r"parameter \S+ of module \S+ names no database",
         'give it a URL such as "mysql://user:password@host/database", or set db_default_url; load its driver, too'),
    Code("E0314", r"a (?:database )?URL (?:of \S+ )?looks like|\"\S+:\" is followed by \"//\"|no database is called",
         'write "mysql://user:password@host/database" or "sqlite:///path/to/file"'),
    Code("E0201", r"module \S+ cannot be loaded|.* has no Module class|.* is not a Python file|plug-in "),
    Code("E0202", r"function \S+ is unknown|\S+ needs module |\S+ is of module \S+, which is not"
                  r"|\S+ of module \S+ waits for module", "look for the function in `opensips-py modules NAME`"),
    Code("E0203", r"\$\S+ is unknown", "look for the variable in `opensips-py modules NAME`"),
    Code("E0204", r"\{.*\} is no transformation", "look for it in `opensips-py modules core`"),
    Code("E0205", r"module \S+ has no parameter|parameter \S+ of module \S+ is not available",
         "remove the line; `opensips-py modules NAME` lists the parameters of a module"),
    Code("E0206", r"there is no core parameter", "remove the line, or look in `opensips-py modules core`"),
    Code("E0207", r"there is no \w*route\[|.*argument '\w+': there is no \w+_route\[|.*: there is no \w+\[",
         "define the route"),
    Code("E0208", r"'.*' is no kind of route"),
    Code("E0209", r"'.*' is no value"),
    Code("E0210", r"there is no dialect"),
    Code("E0212", r"there is no main route"),
    # Kinds of values
    Code("E0301", r"nothing stands behind the last comma"),
    Code("E0301", r"\S+ takes .* arguments?, not \d|\S+ cannot do without its argument", "give it a value"),
    Code("E0310", r"wrong regular expression|.* is not a POSIX regular expression",
         "a special character that means itself stands behind a backslash, or alone in brackets: [(]"),
    Code("E0303", r".*, arguments: the number and the text"),
    Code("E0303", r".*, argument '.*': a (?:number is needed, not the text|text is needed, not the number)"),
    Code("E0407", r".*no more than 32 flags", "use flags by fewer names, or an AVP"),
    Code("E0302", r".*, argument '.*': a variable is needed", "pass a variable, such as $var(x)"),
    Code("E0302", r".*, argument '.*': \$.* cannot be assigned", "pass a variable that can be: $var(x) or $avp(x)"),
    Code("E0302", r"\".*\" is no log level"),
    Code("E0302", r".*, argument '.*': .* is no flag here", "remove it, or write one of these"),
    Code("E0302", r".*, argument '.*': no module has a cache called", "name a cache that there is, such as local"),
    Code("E0302", r".*, argument '.*': ", "write a value of that kind"),
    Code("E0304", r"no relay is named", "set rtpproxy_sock, or db_url"),
    Code("E0304", r"parameter \S+ of \S+: ", "write a value of that kind"),
    Code("E0305", r"\S+ is (?:a text|a number|yes or no|a flag|a facility|one of)\b|.* is no type of service",
         "write a value of that kind"),
    Code("E0306", r"\$\S+ cannot be assigned|\$.* cannot be assigned",
         "assign $var(x) or $avp(x), or a variable that can be"),
    Code("E0307", r"\$\S+ takes no index", "write it without the index in brackets"),
    Code("E0307", r"\$\S+ (?:needs a name|takes no name)|\S+ is no (?:name|index) of \$"),
    Code("E0308", r"\{re\.subst\}: ", "write {re.subst,/expression/replacement/flags}"),
    Code("E0308", r"\{.*\} takes |\{.*\}: ", "a comma stands before each argument: {s.substr,0,3}"),
    Code("E0311", r"\$\S+: (?:an? (?:int|str|list)|one value) is needed", "write a value of that type"),
    Code("E0312", r"\$\S+ may be read here before it has a value"),
    Code("E0313", r"\$\S+: ", "`opensips-py modules NAME` tells the names that the variable takes"),
    Code("E0309", r"a condition is no value|'.*' does not go with"),
    # Where things may stand
    Code("E0401", r"\S+ cannot be called in "),
    Code("E0402", r".* is there twice|.* is defined already"),
    Code("E0404", r"'break' stands outside"),
    Code("E0405", r".* is of the \S+ dialect, and "),
    Code("E0406", r"\S+ is declared by "),
    Code("E0408", r"\$\S+ is declared twice|\$\S+ is a pseudo-variable"),
    Code("E0409", r"\$\S+ is gone when"),
    Code("E0410", r"the timeout of async is", "write a number of seconds"),
    Code("E0411", r"\S+ never waits, and"),
    # Addresses
    Code("E0501", r"\S+ is no (?:IP address|network)|an IP address or network expected",
         "write 10.0.0.1 or 10.0.0.0/8"),
    Code("E0502", r"'.*' is no port"),
    Code("E0503", r"'.*' is no protocol|\S+ names no protocol|no loaded module speaks"),
    Code("E0504", r"an address expected|'.*' is no address|\S+: no address, interface", "write udp:127.0.0.1:5060"),
    # Files and the preprocessor
    Code("E0601", r"cannot (?:read|find)"),
    Code("E0602", r"files include each other", "remove one of the includes"),
    Code("E0603", r"#!(?:ifdef|else|endif) without", "remove it, or add #!ifdef NAME before it"),
    Code("E0604", r"'#!\w+' is no directive|#!ifdef needs a name"),
    Code("E0604", r"#!define needs a name|the environment has no|the definitions become too much text"),
    Code("E0605", r"wrong substitution"),
    Code("E0606", r"the preprocessor '"),
    Code("E0607", r"(?:include|import)_file needs a file name", 'write include_file "file.cfg"'),
    Code("E0608", r"-l "),
    Code("E0609", r"cannot import this", "mend the Python file"),
)

WARNINGS = (
    Code("W0101", r"the body of .* is empty", "remove the ; behind the condition"),
    Code("W0102", r"this never runs"),
    Code("W0103", r"a request can end here unanswered|.* can end without an answer"),
    Code("W0104", r"the request is (?:relayed|answered)"),
    Code("W0105", r"both sides of the comparison are constants|this condition is always|this comparison is always"),
    Code("W0106", r"\$var\(.*\) is read before"),
    Code("W0107", r"nothing ever sets"),
    Code("W0108", r"nothing (?:calls|arms|names) "),
    Code("W0120", r"\S+ is too large: it becomes"),
    Code("W0116", r"this case is never reached", "remove it"),
    Code("W0117", r"nothing raises "),
    Code("W0205", r"\S+: OpenSIPS 4\.0 wants the name of a flag in quotes"),
    Code("W0109", r"this expression can take"),
    Code("W0110", r"nothing reads \$", "remove it"),
    Code("W0111", r"a text never equals|a number never equals|a list is compared"),
    Code("W0112", r"\$\S+ is not replaced here"),
    Code("W0113", r"route\[.*\] is called for its value|this route returns a text"),
    Code("W0115", r"\S+ is not for .* where that runs"),
    Code("W0114", r".* has no routes"),
    Code("W0205", r"\S+, argument '.*': OpenSIPS 4\.0 wants a number"),
    Code("W0205", r"\S+, argument '.*': a text is needed, not the number"),
    Code("W0201", r".* OpenSIPS 4\.0 "),
    Code("W0202", r"in OpenSIPS 2\.1, '.*' only assigns"),
    Code("W0203", r"'#!.*' is taken for a comment"),
    Code("W0204", r"no protocol is loaded"),
    Code("W0119", r"module \S+ is there twice"),
    Code("W0118", r"\".*\" is no log level"),
    Code("W0504", r"\S+: no address, interface"),
)

NOTES = (
    Code("N0101", r"the dialect is "),
    Code("N0102", r".* as nothing sets it; in "),
    Code("N0103", r".* takes .* here; in "),
    Code("N0104", r"'.*' is .*; in |'.*' (?:only assigns|computes)|'.*' is compared"),
    Code("N0105", r".* is accepted without effect|.* is .* anyhow"),
    Code("N0107", r".* is newer than OpenSIPS 2\.1"),
)

TABLES = {"error": ERRORS, "warning": WARNINGS, "note": NOTES}


@cache
def compiled(severity: str) -> list[tuple[re.Pattern[str], Code]]:
    """The patterns of one severity; they are the program's own."""
    return [(re.compile(each.pattern, re.DOTALL), each) for each in TABLES[severity]]


def find(severity: str, message: str) -> Code:
    """The kind of finding that *message* tells of."""
    for pattern, each in compiled(severity):
        if pattern.match(message):
            return each
    return Code(OTHER[severity], "")
