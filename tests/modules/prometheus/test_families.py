"""The text format, read by the client of Prometheus's own."""
import pytest
from prometheus_client.parser import text_string_to_metric_families

from opensips_py.modules.prometheus.families import LABELS, Families, joined, label, metric_name


def read(text):
    """Names with type, help and samples."""
    return {each.name: (each.type, each.documentation, [(sample.labels, sample.value) for sample in each.samples])
            for each in text_string_to_metric_families(text)}


def test_a_family_is_one_piece_whoever_adds_to_it():
    families = Families()
    families.declare("a", "counter", "first line\nsecond \\ line")
    assert families.add("a", 'x="1"', 3)
    families.declare("b", "gauge")
    assert families.add("b", "", -7)
    assert families.add("a", "", 4)
    families.declare("empty", "gauge")
    assert read(families.text()) == {
        "a": ("counter", "first line\nsecond \\ line", [({"x": "1"}, 3.0), ({}, 4.0)]),
        "b": ("gauge", "", [({}, -7.0)])}
    assert "empty" not in families.text()


def test_nothing_is_said_twice():
    families = Families()
    assert families.add("a", 'x="1"', 3)
    assert not families.add("a", 'x="1"', 4)
    families.declare("a", "counter")
    assert read(families.text()) == {"a": ("gauge", "", [({"x": "1"}, 3.0)])}


@pytest.mark.parametrize("text, name", [
    ("rcv_requests", "rcv_requests"), ("2xx", "_2xx"), ("positive checks", "positive_checks"), ("udp:a-b", "udp:a_b"),
    ("ä", "_"), ("", "_")])
def test_names_that_prometheus_takes(text, name):
    assert metric_name(text) == name


def test_values_of_labels_are_escaped():
    value = 'a"b\\c\nd\udcff'
    text = f"m{{{label('l', value)}}} 1\n"
    assert read(text)["m"][2] == [({"l": 'a"b\\c\nd\ufffd'}, 1.0)]
    assert joined("", 'a="1"', "", 'b="2"') == 'a="1",b="2"'


@pytest.mark.parametrize("text, fits", [('a="1"', True), ('a="1",b="\\"2\\""', True), ("a=1", False), ('a="1",', False),
                                        ('a="1"b="2"', False), ('a="\n"', False), (',a="1"', False), ('a="1"}', False)])
def test_lists_of_labels(text, fits):
    assert (LABELS.fullmatch(text) is not None) == fits
