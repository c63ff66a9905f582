"""The parameters of dialog."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import Between, by_dialect, param

DID_ONLY, DID_FALLBACK, DID_NONE = range(3)
MODES = {"DID_ONLY": DID_ONLY, "DID_FALLBACK": DID_FALLBACK, "DID_NONE": DID_NONE}
Seconds = Annotated[int, Between(1, 1 << 31)]


class Parameters:
    """What scripts set by modparam."""

    enable_stats: bool = param(True, "Whether dialogs are counted.")
    hash_size: Annotated[int, Between(1, 1 << 24)] = param(
        4096, "Accepted without effect: dialogs are kept by the slot of their call and found by their identifier.")
    log_profile_hash_size: Annotated[int, Between(0, 24)] = param(
        4, "Accepted without effect: profiles are kept in a tree, which has no size to choose.")
    rr_param: str = param("did", "Name of the Record-Route parameter that carries the identifier of the dialog.")
    default_timeout: Seconds = param(43200, "Seconds after its answer at which a dialog is over, unless it is given "
                                     "others by $DLG_timeout.")
    dlg_extra_hdrs: str = param("", "Header lines, each with its line end, of the requests that the module sends.")
    dlg_match_mode: Annotated[int, Between(0, 2)] = param(
        by_dialect(v21=0, v40=1), "How a request is found to belong to a dialog: 0 by the identifier in its Route, 1 "
        "by Call-ID and tags where the Route has none, 2 by them alone; Record-Route gets no identifier then.")
    race_condition_timeout: Seconds = param(5, "4.0: seconds after which a dialog that was created with "
                                            "end-on-race-condition is ended where it was answered as it was given up.")
    delete_delay: Annotated[int, Between(0, 86400)] = param(
        0, "4.0: seconds for which a dialog is still found, and nothing more, after its end.")
