from opensips_py.script import decided
from tests.script.script import right


def notes(text):
    found = right(text)
    decided.add_notes(found)
    return [(each.message, each.place.line) for each in found.diagnostics.in_order() if each.severity == "note"]


def test_why():
    assert ("the dialect is 2.1: only that has children=", 1) in notes("children=4\nroute { exit; }")
    assert ("the dialect is 4.0: nothing in the script tells", 0) in notes("route { exit; }")
    assert ("the dialect is 2.1, as the script says", 1) in notes("dialect=2.1\nroute { exit; }")


def test_defaults():
    found = notes('dialect=2.1\nloadmodule "sl.so"\nloadmodule "signaling.so"\nloadmodule "usrloc.so"\nroute { exit; }')
    assert ("max_while_loops is 100 as nothing sets it; in 4.0 it is 10000", 0) in found
    assert ("use_domain of usrloc is 0 as nothing sets it; in 4.0 it is 1", 4) in found
    set_now = notes('max_while_loops=5\nloadmodule "usrloc.so"\nmodparam("usrloc", "use_domain", 1)\nroute { exit; }')
    assert not [each for each, _ in set_now if "max_while_loops" in each or "use_domain" in each]


def test_functions_and_comparisons():
    found = notes("""dialect=2.1
route {
  setbflag(1, 6);
  setbflag(6);
  if ($rU != "a") exit;
  if ($rU !~ "a") exit;
  if ($rU == $rd) exit;
  if ($rU !~ $rd) exit;
  if ($rU == "a" || $rU != NULL || $ml != 5 || $rU =~ "a") exit;
}""")
    assert [line for each, line in found if "setbflag" in each] == [3]
    assert [line for each, line in found if "is false where its right side is NULL" in each] == [8]
