"""Events as subscribers read them."""
import json

import pytest

from opensips_py.events.payload import payload


@pytest.mark.parametrize(("values", "expected"), [
    ({"ip": "192.0.2.1"}, "E_X\nip::192.0.2.1\n\n"), ({}, "E_X\n\n"), ([7, "b"], "E_X\n7\nb\n\n"),
    ({"n": 5, "none": None}, "E_X\nn::5\nnone::\n\n"), ({"text": "a,b"}, 'E_X\ntext::"a,b"\n\n'),
    ({"text": 'say "hi" \\'}, 'E_X\ntext::"say \\"hi\\" \\\\"\n\n'),
    ({"text": "a\nb"}, 'E_X\ntext::"a\nb"\n\n')])
def test_lines_of_21(values, expected):
    assert payload("2.1", "E_X", values).decode() == expected


@pytest.mark.parametrize(("values", "params"), [
    ({"ip": "192.0.2.1", "n": 5}, {"ip": "192.0.2.1", "n": 5}), ([7, "b"], [7, "b"]),
    ({"text": "\udcff", "none": None}, {"text": "\ufffd", "none": None})])
def test_notifications_of_40(values, params):
    assert json.loads(payload("4.0", "E_X", values)) == {"jsonrpc": "2.0", "method": "E_X", "params": params}


@pytest.mark.parametrize("values", [{}, []])
def test_a_notification_without_parameters(values):
    assert json.loads(payload("4.0", "E_X", values)) == {"jsonrpc": "2.0", "method": "E_X"}
