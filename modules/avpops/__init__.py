"""Work on AVPs, as scripts of 2.1 do it."""
from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from opensips_py.module import Between, Module, Route, Run, param, script
from opensips_py.module.avps import Value
from opensips_py.module.declare import Dialect
from opensips_py.module.queries import Asked, Avps, Number
from opensips_py.module.statements import Statement, StatementKind
from opensips_py.module.user_avps import Chosen, UserAvps, Whose
from opensips_py.module.user_avps import ChosenKind as ChosenInTable
from opensips_py.modules.avpops.arguments import (
    ALL,
    CalculationKind,
    CheckKind,
    ChosenKind,
    Named,
    NameKind,
    Operation,
    ValueKind,
)
from opensips_py.modules.avpops.calculating import calculated
from opensips_py.modules.avpops.comparing import is_true
from opensips_py.modules.avpops.pushing import Destination, DestinationKind
from opensips_py.modules.avpops.rewriting import Rewriting, RewritingKind

ANYWHERE = (Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL | Route.STARTUP | Route.TIMER
            | Route.EVENT)
BY_ZERO = ("div", "mod")
Sql = Annotated[Statement, StatementKind("avpops")]
Which = Annotated[Chosen, ChosenInTable("avpops")]
Loaded = Annotated[Chosen, ChosenInTable("avpops", schemes=True)]


class AvpOps(UserAvps, Module, name="avpops"):
    """Copy, change, compare and delete AVPs, and push them into requests.

    Arguments are quoted: an AVP with flags behind a slash, "$avp(name)/g", or an operator, a value and flags,
    "eq/text/i". A value is a variable, i:12 for a number, s:text or a text. The flag g stands for all values of an AVP
    and not for the newest one alone; capital letters will do.

    Of a query, a variable within quotes, or behind =, <, > or LIKE, is a value: it is bound, whatever is in it, and
    need not be escaped. A variable elsewhere is SQL where scripts make it, as $var and $avp; what is read from messages
    never is. The run that asks a database waits alone, with or without async()."""

    buf_size: int = param(1024, "Accepted without effect: texts may have any length.")
    use_domain: bool = param(0, "Whether the domain of a URI counts for whose AVPs are meant.")
    avp_table: str = param("usr_preferences", "The table of AVPs.")

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.set_up()

    def load(self) -> None:
        """Check the databases."""
        self.check_databases()

    def table_of(self, chosen: Chosen) -> str:
        return chosen.table or self.avp_table

    @script(ANYWHERE, waits=True)
    def avp_db_query(self, run: Run, query: Sql, dest: Avps = (), db_id: Number = 0) -> Asked:
        """Send a statement to a database. Rows go into AVPs, one for each column, "$avp(name);$avp(other)", else
        $avp(1), $avp(2) …; the first row is the newest value, NULL is "<null>". EMPTY where there are none, so for
        every statement that asks for none."""
        answer = self.asked(db_id, lambda found: found.query(*query.bound(run, found.dialect)))
        return Asked.FAILED if answer is None else self.into_avps(run, answer, dest)

    @script(ANYWHERE, waits=True)
    def avp_db_load(self, run: Run, source: Whose, name: Loaded, db_id: Number = 0, prefix: str = "") -> bool:
        """Load AVPs of *source*: a variable or text with /username, /domain, /uri or /uuid behind it; without, $ru,
        $fu, $tu and $ou are URIs and all else is an identifier. *name* is $avp(name), or a for all, i for those whose
        name is a number, s for all others; behind a slash another table, or $scheme. *prefix* stands before their names
        then. False where there are none."""
        return self.load_avps(run, source, name, db_id, prefix)

    @script(ANYWHERE, waits=True)
    def avp_db_store(self, run: Run, source: Whose, name: Which, db_id: Number = 0) -> bool:
        """Store AVPs of *source*, beside those that it has; false where the run has none of that name."""
        return self.store_avps(run, source, name, db_id)

    @script(ANYWHERE, waits=True)
    def avp_db_delete(self, run: Run, source: Whose, name: Which, db_id: Number = 0) -> bool:
        """Delete AVPs of *source* in the database."""
        return self.delete_avps(run, source, name, db_id)

    @script(ANYWHERE)
    def avp_copy(self, run: Run, old_name: Annotated[Named, NameKind()],
                 new_name: Annotated[Named, NameKind(letters="gdns")]) -> bool:
        """Give the AVP *new_name* the newest value of *old_name*, or with the flag g all of them, one after the other;
        d deletes them in *old_name*, n makes numbers of texts and s texts of numbers."""
        values = old_name.avp.values(run)
        wanted = values[:None if "g" in new_name.flags else 1]
        copied: list[Value] = []
        for value in wanted:
            if "n" in new_name.flags and not str(value).isdecimal():
                self.log.error("avp_copy: %s is no number", value)
                break
            copied.append(int(value) if "n" in new_name.flags else str(value) if "s" in new_name.flags else value)
        if "d" in new_name.flags:
            old_name.avp.replace(run, values[len(copied):])
        new_name.avp.push(run, copied)
        return bool(copied) and len(copied) == len(wanted)

    @script(ANYWHERE)
    def avp_delete(self, run: Run, name: Annotated[Named | str, ChosenKind()]) -> bool:
        """Delete the newest value of an AVP, or with the flag g all; "a", "i" and "*" are all AVPs, "s" is none. False
        where there was nothing to delete."""
        if isinstance(name, Named):
            values = name.avp.values(run)
            name.avp.replace(run, [] if name.flags else values[1:])
            return bool(values)
        found = bool(run.avps) and name == ALL
        if found:
            run.avps.clear()
        return found

    @script(ANYWHERE, dialect="2.1")
    def avp_insert(self, run: Run, avp_name: Annotated[Named, NameKind()],
                   value: Annotated[Callable[[Run], Value | None], ValueKind()],
                   index: Annotated[int, Between(0, 1 << 31)]) -> bool:
        """Put *value* at the place *index* of an AVP, 0 being the newest; behind the oldest where there are fewer."""
        found = value(run)
        values = avp_name.avp.values(run)
        values.insert(index, "" if found is None else found)
        avp_name.avp.replace(run, values)
        return True

    @script(ANYWHERE)
    def is_avp_set(self, run: Run, name: Annotated[Named, NameKind(letters="esn")]) -> bool:
        """Whether an AVP has a value, with a flag of which kind the newest is: s a text, n a number, e empty or 0."""
        values = name.avp.values(run)
        if not values:
            return False
        kinds = {"s": isinstance(values[0], str), "n": isinstance(values[0], int), "e": not values[0]}
        return all(kinds[flag] for flag in name.flags)

    @script(ANYWHERE)
    def avp_check(self, run: Run, name: Annotated[Named, NameKind(any=True)],
                  op_value: Annotated[Operation, CheckKind()]) -> bool:
        """Compare a variable: eq, ne, lt, le, gt, ge, re (a regular expression without regard to case), fm (a file name
        pattern), and, or, xor (bits). With g any value of the AVP may do, with i case is of no importance. Texts are
        compared with texts, numbers with numbers."""
        values = name.source.values(run)
        return any(is_true(op_value, one, other) for one in values[:None if "g" in op_value.flags else 1]
                   for other in op_value.value.values(run))

    @script(ANYWHERE)
    def avp_op(self, run: Run, name: Annotated[Named, NameKind(second=True)],
               op_value: Annotated[Operation, CalculationKind()]) -> bool:
        """Calculate with all numbers of an AVP: add, sub, mul, div, mod, and, or, xor, not (of the second value
        alone); what is divided by 0 becomes 0. The outcomes are new values of the AVP, or of the one behind the slash;
        d deletes the numbers before."""
        values = name.avp.values(run)
        others = [each for each in op_value.value.values(run) if isinstance(each, int)]
        outcomes: list[Value] = []
        for number in (each for each in values if isinstance(each, int)):
            for other in others:
                if not other and op_value.name in BY_ZERO:
                    self.log.error("avp_op: %s by 0", op_value.name)
                number = calculated(op_value.name, number, other)
                outcomes.append(number)
        if outcomes and "d" in op_value.flags:
            name.avp.replace(run, [each for each in values if not isinstance(each, int)])
        (name.destination or name.avp).push(run, outcomes)
        return bool(outcomes)

    @script(ANYWHERE)
    def avp_subst(self, run: Run, avps: Annotated[Named, NameKind(letters="gd", second=True)],
                  subst: Annotated[Rewriting, RewritingKind()]) -> bool:
        """Substitute in the newest text of an AVP, with g in all: /expression/replacement/flags. \\0 is the match,
        \\1 to \\9 are its groups, variables have their values; i ignores case, g replaces each match. The outcome takes
        the place of the text, or goes to the AVP behind the slash, and d deletes the text. False without a match."""
        values = avps.avp.values(run)
        texts = [number for number, each in enumerate(values) if isinstance(each, str)]
        outcomes: list[Value] = []
        gone = set()
        for number in texts[:None if "g" in avps.flags else 1]:
            changed, count = subst.now(run).counted(str(values[number]).encode("utf-8", "surrogateescape"))
            if count:
                outcomes.append(changed.decode("utf-8", "surrogateescape"))
                gone.add(number)
        if avps.destination is None or "d" in avps.flags:
            avps.avp.replace(run, [each for number, each in enumerate(values) if number not in gone])
        (avps.destination or avps.avp).push(run, outcomes)
        return bool(outcomes)

    @script(ANYWHERE)
    def avp_pushto(self, run: Run, destination: Annotated[Destination, DestinationKind()],
                   name: Annotated[Named, NameKind(letters="g", any=True)]) -> bool:
        """Put the newest value of a variable into the request: $ru, $ru/username, $ru/domain, $du, or $br for a new
        branch. With g all values of the AVP, each one before the last as a branch."""
        values = name.source.values(run)
        return destination.put(run, values if name.flags else values[:1])

    @script(ANYWHERE, dialect="2.1")
    def avp_print(self, run: Run) -> bool:
        """Write all AVPs to the log."""
        for name, values in run.avps.items():
            for value in values:
                self.log.info("AVP %s: %s", name, value)
        return True
