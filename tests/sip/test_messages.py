"""Whole messages as files: what is read from the valid ones, what is wrong with the invalid ones."""
import json
import pathlib

import pytest

from opensips_py.sip import Framer, scan

FOLDER = pathlib.Path(__file__).parent.parent / "messages"


def cases(kind):
    return [pytest.param(path.read_bytes(), json.loads(path.with_suffix(".json").read_text("utf-8")), id=path.stem)
            for path in sorted((FOLDER / kind).glob("*.sip"))]


@pytest.mark.parametrize(("data", "expected"), cases("valid"))
def test_valid(data, expected):
    message = scan(data)
    assert (message.fault, message.fault_status) == (None, 0)
    found = {name: getattr(message, name) for name in expected if name not in ("vias", "contacts", "headers")}
    found["vias"] = [via.host for via in message.vias]
    found["contacts"] = [contact.uri for contact in message.contacts]
    found["headers"] = {name: message.header(name) for name in expected["headers"]}
    assert found == expected


@pytest.mark.parametrize(("data", "expected"), cases("valid"))
def test_valid_in_a_stream(data, expected):
    assert Framer().feed(data)[0] == scan(data).data


@pytest.mark.parametrize(("data", "expected"), cases("invalid"))
def test_invalid(data, expected):
    message = scan(data)
    assert {"fault": message.fault, "status": message.fault_status} == expected


def test_there_are_messages():
    assert len(cases("valid")) >= 6 and len(cases("invalid")) >= 25
