"""Parameters of dialog that change nothing else."""
from __future__ import annotations

from tests.modules.dialog.conftest import called


def test_counting_may_be_turned_off(proxy):
    server = proxy('modparam("dialog", "enable_stats", 0)', matched='append_hf("X-N: $DLG_count\\r\\n");')
    call = called(server)
    assert server.counted("dialog:processed_dialogs") == 0
    call.within("INFO")
    assert server.bob.last("INFO").header("X-N") == "1"
