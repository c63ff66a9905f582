"""The page for beginners: its script is cfg/beginner.cfg, each line is explained, and its changes do what it says."""
import pathlib
import re

import pytest

from opensips_py.testing import Phone

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "getting-started.md").read_text()
SCRIPT = (ROOT / "cfg" / "beginner.cfg").read_text()


def block(kind):
    """The only block of this kind."""
    [text] = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.M | re.S)
    return text


def below(number, text):
    """The script with more below one of its lines."""
    lines = SCRIPT.splitlines(keepends=True)
    return "".join([*lines[:number], text, *lines[number:]])


def test_its_script_is_the_file_and_each_line_is_explained():
    assert block("opensips") == SCRIPT
    numbers = [int(each) for each in re.findall(r"^(\d+)\. ", PAGE, re.M)]
    assert numbers == list(range(1, len(SCRIPT.splitlines()) + 1))


def test_each_module_is_explained_at_its_line():
    for number, line in enumerate(SCRIPT.splitlines(), 1):
        for module in re.findall(r'loadmodule "(\w+)\.so"', line):
            assert re.search(rf"^{number}\. [^\n]*`{module}`", PAGE, re.M), module


def test_the_first_change(opensips):
    server = opensips(text=below(12, block("opensips-part")))
    phone, caller = Phone(server, "1001", "192.0.2.1"), Phone(server, "1002", "192.0.2.2")
    phone.register()
    caller.call("0")
    phone.last("INVITE")


@pytest.mark.parametrize(("one", "other"), [("udp", "tcp"), ("tcp", "udp"), ("tcp", "tcp")])
def test_phones_that_come_over_tcp(opensips, one, other):
    server = opensips(text=below(3, block("opensips-top")))
    caller = Phone(server, "1001", "192.0.2.1", protocol=one)
    callee = Phone(server, "1002", "192.0.2.2", protocol=other)
    assert caller.register().status == callee.register().status == 200
    call = caller.call("1002")
    callee.answer()
    call.ack()
    call.bye()
    callee.answer(callee.last("BYE"))
    assert caller.last(200).method == "BYE"
