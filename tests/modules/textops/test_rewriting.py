"""Replacements with variables."""
from __future__ import annotations

import pytest

from opensips_py.modules.textops.rewriting import with_variables


@pytest.mark.parametrize(("written", "meant"), [
    (r"t:\1\u\2", r"t:\1$(ru)\2"), (r"\$5", "$$5"), (r"\\u", r"\\u"), (r"a\nb", r"a\nb"), ("$var(x)", "$var(x)"),
    ("end\\", "end\\")])
def test_escapes_become_variables(written, meant):
    assert with_variables(written) == meant
