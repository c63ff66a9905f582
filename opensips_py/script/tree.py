"""The parsed configuration: a tree whose every node knows its place."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from opensips_py.script.diagnostics import Place


@dataclass(slots=True)
class Node:
    """Anything that stands at a place in the configuration."""

    place: Place


# Expressions


@dataclass(slots=True)
class Broken(Node):
    """What nobody could read; its mistake has been reported."""

@dataclass(slots=True)
class Number(Node):
    """A whole number."""

    value: int


@dataclass(slots=True)
class String(Node):
    """A quoted text, escapes resolved; `$` in it is looked at where it is used."""

    value: str


@dataclass(slots=True)
class Null(Node):
    """The word NULL."""


@dataclass(slots=True)
class Name(Node):
    """A bare word: a flag, a route, a method, a host name."""

    name: str


@dataclass(slots=True)
class Address(Node):
    """An IP address or, with a slash, a network."""

    text: str


@dataclass(slots=True)
class Variable(Node):
    """A pseudo-variable as written; script.variables takes its text apart."""

    text: str


@dataclass(slots=True)
class Operand(Node):
    """A bare word of the 2.1 dialect that stands for a value: method, uri, src_ip, myself ..."""

    name: str


@dataclass(slots=True)
class Transformed(Node):
    """A quoted text with transformations behind it: "text"{s.len}."""

    operand: Expression
    transformations: str


@dataclass(slots=True)
class Unary(Node):
    """-x or ~x."""

    operator: str
    operand: Expression


@dataclass(slots=True)
class Binary(Node):
    """Arithmetic, bits, or joined texts."""

    operator: str
    left: Expression
    right: Expression


@dataclass(slots=True)
class Comparison(Node):
    """== != < > <= >= =~ !~."""

    operator: str
    left: Expression
    right: Expression


@dataclass(slots=True)
class Logical(Node):
    """`and` or `or` of conditions."""

    operator: str
    left: Expression
    right: Expression


@dataclass(slots=True)
class Not(Node):
    """A condition turned round."""

    operand: Expression


@dataclass(slots=True)
class Call(Node):
    """A function call; an argument left out is None."""

    name: str
    arguments: list[Expression | None]
    end: Place  # of the closing parenthesis


@dataclass(slots=True)
class RouteCall(Node):
    """route(name, arguments...), or route[name](arguments...), whose texts have their variables replaced."""

    route: Expression
    arguments: list[Expression]
    bracketed: bool = False


Expression: TypeAlias = (Broken | Number | String | Null | Name | Address | Variable | Operand | Transformed | Unary
                         | Binary | Comparison | Logical | Not | Call | RouteCall)

# Statements


@dataclass(slots=True)
class Local(Node):
    """local $name = value; local type $name: a variable of the block that it stands in."""

    target: Variable
    type: str  # as written: int, str, list, any; empty where none is
    value: Expression | None


@dataclass(slots=True)
class Block(Node):
    """{ statements } by themselves, where they declare locals; any other is no more than its statements."""

    body: list[Statement]


@dataclass(slots=True)
class Assign(Node):
    """An assignment to a variable."""

    target: Variable
    operator: str
    value: Expression


@dataclass(slots=True)
class Do(Node):
    """A call for its effect."""

    call: Call | RouteCall


@dataclass(slots=True)
class If(Node):
    """if ... else ...; `else if` is an If in *otherwise*."""

    condition: Expression
    body: list[Statement]
    otherwise: list[Statement]


@dataclass(slots=True)
class While(Node):
    """while (condition) ..."""

    condition: Expression
    body: list[Statement]


@dataclass(slots=True)
class ForEach(Node):
    """for ($var(x) in $(avp(y)[*])) ..."""

    target: Variable
    source: Variable
    body: list[Statement]
    declares: bool = False  # for (local $x in ...)


@dataclass(slots=True)
class Case(Node):
    """One `case value:` with what follows it up to the next; value None is `default`."""

    value: Expression | None
    body: list[Statement]


@dataclass(slots=True)
class Switch(Node):
    """switch (subject) { cases }, each falling through unless it breaks."""

    subject: Expression
    cases: list[Case]


@dataclass(slots=True)
class Return(Node):
    """return with a code, and values for $return behind it."""

    values: list[Expression]


@dataclass(slots=True)
class Exit(Node):
    """exit: the script ends here."""


@dataclass(slots=True)
class Drop(Node):
    """drop: the script ends here and the message goes nowhere."""


@dataclass(slots=True)
class Break(Node):
    """break out of a loop or a case."""


@dataclass(slots=True)
class Assert(Node):
    """assert(condition, "what is wrong")."""

    condition: Expression
    message: String | None


@dataclass(slots=True)
class Async(Node):
    """async(function(...), resume_route, timeout)."""

    call: Call
    route: Expression
    timeout: Expression | None
    unreached: list[Statement] = field(default_factory=list)  # of an if that tests it


@dataclass(slots=True)
class Launch(Node):
    """launch(function(...), report_route, "its parameter")."""

    call: Call
    route: Expression | None
    parameter: Expression | None


Statement: TypeAlias = (Local | Block | Assign | Do | If | While | ForEach | Switch | Return | Exit | Drop | Break
                        | Assert | Async | Launch)

# What stands outside routes


@dataclass(slots=True)
class Socket(Node):
    """A listener, alias or advertised address: protocol:host:port and its options."""

    protocol: str = ""
    host: str = ""
    port: int = 0
    last_port: int = 0  # of a range
    advertised_host: str = ""
    advertised_port: int = 0
    workers: int = 0  # 0: the global number
    tag: str = ""
    tos: int = 0
    auto_scaling_profile: str = ""
    options: set[str] = field(default_factory=set)  # frag, anycast, reuse_port, accept_subdomain ...
    members: list[str] = field(default_factory=list)  # of a bond

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return ":".join(filter(None, (self.protocol, host, str(self.port or ""))))


@dataclass(slots=True)
class ScalingProfile(Node):
    """auto_scaling_profile: its words as written."""

    name: str
    words: list[str]


@dataclass(slots=True)
class BlacklistRule(Node):
    """One rule of a dst_blacklist."""

    negated: bool
    protocol: str
    network: str
    port: int
    pattern: str


@dataclass(slots=True)
class Blacklist(Node):
    """dst_blacklist = name /flags : {rules}."""

    name: str
    flags: list[str]
    rules: list[BlacklistRule]


Value: TypeAlias = int | str | Socket | Blacklist | ScalingProfile | tuple[str, ...]


@dataclass(slots=True)
class Global(Node):
    """A core parameter: name = value."""

    name: str
    value: Value
    value_place: Place
    options: dict[str, str] = field(default_factory=dict)  # use_auto_scaling_profile NAME
    bare: bool = False  # whether the value stands without quotes


@dataclass(slots=True)
class LoadModule(Node):
    """loadmodule "name.so"."""

    name: str  # as written
    name_place: Place


@dataclass(slots=True)
class ModParam(Node):
    """modparam("module", "parameter", value)."""

    module: String
    parameter: String
    value: String | Number


@dataclass(slots=True)
class ImportPython(Node):
    """import_python "file.py": the routes written in Python that it holds."""

    path: String


@dataclass(slots=True)
class Parameter(Node):
    """One parameter of a route: a bare name is a $var(name), type $name a local of the route."""

    name: str
    type: str = ""
    default: Expression | None = None
    is_local: bool = False


@dataclass(slots=True)
class Route(Node):
    """A route block; *name* is empty for the unnamed one of its kind."""

    kind: str  # route, branch_route ...
    name: str
    body: list[Statement]
    name_place: Place
    interval: int = 0  # of a timer_route, seconds
    mode: str = ""  # of an event_route: sync or async
    parameters: list[Parameter] = field(default_factory=list)  # route[x](a, int $b = 5)
    broken: bool = False  # its head could not be read


Item: TypeAlias = Global | LoadModule | ModParam | ImportPython | Route


class Lax(NamedTuple):
    """A way to write something that only 2.1 takes: conditions without parentheses."""

    message: str
    place: Place
    fix: str


@dataclass(slots=True)
class Script:
    """A whole configuration, includes and all."""

    items: list[Item] = field(default_factory=list)
    whole: bool = True  # False where something that could not be read may have held routes
    lax: list[Lax] = field(default_factory=list)  # what 2.1 takes, and 4.0 refuses
    lost_modules: bool = False  # whether a loadmodule does not say which one
    lost_parameters: set[str] = field(default_factory=set)  # modules with a modparam that cannot be read

    def of(self, kind: type[Any]) -> list[Any]:
        """The items of one kind, in the order they were read."""
        return [item for item in self.items if isinstance(item, kind)]
