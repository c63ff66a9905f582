"""Rules for the names of statistics."""
import pytest

from opensips_py.errors import ConfigError
from opensips_py.modules.prometheus.rules import Rule

GATEWAY = r'group: /^(.*)_(.*)$/\1:gateway="\2"/'


def test_a_name_and_labels_out_of_a_name():
    rule = Rule(GATEWAY)
    assert rule.group == "group"
    assert rule("duration_gw1") == ("duration", 'gateway="gw1"')
    assert rule("duration") is None


@pytest.mark.parametrize("text", ["g: /x/y/", "g: /x/y:z/", "g: /x/:a=\"1\"/", "g: /x/y:a=1/"])
def test_what_is_no_name_with_labels_does_not_count(text):
    assert Rule(text)("x") is None


@pytest.mark.parametrize("text, words", [("no rule", "names no group"), (": /a/b/", "names no group"),
                                         ("g: /a", "third|no substitution"), ("g: /(/x:a/", "parenthesis|Unmatched")])
def test_malformed_rules_are_refused(text, words):
    with pytest.raises(ConfigError, match=words) as error:
        Rule(text)
    assert error.value.parameter == "labels"
