"""Decisions by chance, with a probability that all processes share."""
from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module import Between, Route, Variable, VariableKind, mi, param, script
from opensips_py.modules.cfgutils.values import Values

if TYPE_CHECKING:
    from opensips_py.module.services import Services

Percent = Annotated[int, Between(0, 100)]
Settable = Annotated[int, Between(0, 99)]
PROBABILITY, IS_SET = 0, 1  # words


class Chance(Values):
    """rand_event() and what moves its probability; choice by weight; AVPs in any order."""

    services: Services

    initial_probability: Percent = param(10, "Probability of rand_event() at the start, in percent.")

    def start_chance(self) -> None:
        """Take the shared word; the first process to do so writes the initial probability."""
        self.words: Any = self.services.shared_words("cfgutils probability", 2)
        if self.words.cas(IS_SET, 0, 1):
            self.words.store(PROBABILITY, self.initial_probability)

    @property
    def probability(self) -> int:
        """The probability that counts now, in percent."""
        return int(self.words.load(PROBABILITY))

    @script(Route.ANY)
    def rand_event(self, probability: Percent | None = None) -> bool:
        """True with *probability* percent, or with that which rand_set_prob() has set."""
        return random.random() * 100 < (self.probability if probability is None else probability)

    @script(Route.ANY)
    def rand_set_prob(self, probability: Settable) -> bool:
        """Set the probability of rand_event(), in percent."""
        self.words.store(PROBABILITY, probability)
        return True

    @script(Route.ANY)
    def rand_reset_prob(self) -> bool:
        """Set the probability of rand_event() back to what initial_probability says."""
        self.words.store(PROBABILITY, self.initial_probability)
        return True

    @script(Route.ANY, stops=False)
    def rand_get_prob(self) -> int:
        """Return the probability of rand_event(), in percent; a 0 does not end the script here."""
        return self.probability

    @mi("rand_set_prob", v40="cfgutils:rand_set_prob")
    def mi_set_probability(self, prob_proc: Settable) -> str:
        """Set the probability of rand_event() to *prob_proc* percent."""
        self.words.store(PROBABILITY, prob_proc)
        return "OK"

    @mi("rand_reset_prob", v40="cfgutils:rand_reset_prob")
    def mi_reset_probability(self) -> str:
        """Set the probability of rand_event() back to what initial_probability says."""
        self.words.store(PROBABILITY, self.initial_probability)
        return "OK"

    @mi("rand_get_prob", v40="cfgutils:rand_get_prob")
    def mi_get_probability(self) -> str:
        """The probability of rand_event()."""
        return f"The actual probability is {self.probability} percent."

    @script(Route.ANY, stops=False)
    def set_select_weight(self, int_list_var: Variable) -> int:
        """Return the index, from 0, of one of the numbers that *int_list_var* holds: the larger a number, the more
        often; negative where there is none above 0. An index of 0 does not end the script."""
        weights = [max(each, 0) if isinstance(each, int) else number(each) for each in self.values(int_list_var)]
        if not any(weights):
            self.log.error("%s has no weight above 0 to choose by", int_list_var.spec.text)
            return -1
        point = random.random() * sum(weights)
        return next(index for index, reached in enumerate(itertools.accumulate(weights)) if point < reached)

    @script(Route.ANY, dialect="4.0")
    def shuffle_avps(self, name: Annotated[Variable, VariableKind(types=("avp",))]) -> bool:
        """Put the values of an AVP into random order; false where it has none."""
        values = self.values(name)
        random.shuffle(values)
        for index, value in enumerate(values):
            self.at(name, index).set(value)
        return bool(values)


def number(value: object) -> int:
    """A weight written as text; 0 where it is none."""
    text = str(value).strip()
    return int(text) if text.isdecimal() else 0
