"""Options in headers that list them."""
from __future__ import annotations

import pytest

from opensips_py.module.registry import Registry
from tests.modules.bench import Bench, options
from tests.modules.sipmsgops.test_headers import sent

LISTED = "Supported: timer, 100rel,Timer\r\nX-Own: one\r\nk: path , timer\r\n"


def lists(body, headers=LISTED):
    """The lines of the headers that list something, and the variables."""
    lines, found = sent(body, headers=headers)
    return [each for each in lines if each.startswith(("Supp", "k:", "X-Own"))], found


@pytest.mark.parametrize(("header", "option", "expected"), [
    ("Supported", "100rel", 1), ("k", "PATH", 1), ("supported", "path", 1), ("Supported", "gruu", -1),
    ("Supported", "100", -1), ("X-Own", "one", 1), ("Require", "timer", -1)])
def test_option_is_listed(header, option, expected):
    assert lists(f'$var(rc) = list_hdr_has_option("{header}", "{option}");')[1]["rc"] == expected


def test_option_is_added_to_the_first_header():
    lines, found = lists('$var(rc) = list_hdr_add_option("Supported", "gruu"); list_hdr_add_option("X-Own", "$rm");'
                         'list_hdr_add_option("Supported", "gruu"); $var(no) = list_hdr_add_option("Require", "gruu");'
                         '$var(seen) = list_hdr_has_option("Supported", "gruu");')
    assert lines == ["Supported: timer, 100rel, Timer, gruu, gruu", "X-Own: one, OPTIONS", "k: path , timer"]
    assert found == {"rc": 1, "no": -1, "seen": -1}


def test_last_option_of_that_name_is_removed_from_every_header():
    lines, found = lists('$var(rc) = list_hdr_remove_option("Supported", "TIMER");'
                         '$var(no) = list_hdr_remove_option("Supported", "gruu");')
    assert lines == ["Supported: timer, 100rel", "X-Own: one", "k: path"] and found == {"rc": 1, "no": -1}


def test_header_goes_with_its_only_option_and_comes_back_with_another():
    assert lists('list_hdr_remove_option("X-Own", "one");')[0] == LISTED.splitlines()[::2]
    lines, _ = lists('list_hdr_remove_option("X-Own", "one"); list_hdr_add_option("X-Own", "two");'
                     'list_hdr_add_option("X-Own", "three"); list_hdr_remove_option("X-Own", "two");')
    assert lines[1] == "X-Own: three"


def test_branches_change_their_own_list():
    bench = Bench("tm sipmsgops", 'list_hdr_add_option("Supported", "all"); t_on_branch("b");'
                  '$branch = "sip:carol@192.0.2.3"; t_relay();',
                  routes='branch_route[b] { if ($rU == "bob") list_hdr_add_option("Supported", "$rU"); '
                         'else list_hdr_remove_option("Supported", "100rel"); }')
    bench.receive(bench.message(options(method="INVITE", headers="Supported: 100rel\r\n")))
    assert [each.header("Supported") for each in bench.take() if each.is_request] == ["100rel, all, bob", "all"]


def test_a_header_that_is_removed_stays_away():
    assert lists('list_hdr_add_option("X-Own", "two"); remove_hf("X-Own");')[0] == LISTED.splitlines()[::2]


def test_scripts_of_21_borrow_them_as_those_of_24_have_some():
    functions = Registry.load(["sipmsgops"], "2.1").functions
    assert functions["list_hdr_has_option"].declaration.dialect == "4.0"
