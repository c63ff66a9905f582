"""What the C library tells of the memory that it manages for this process."""
from __future__ import annotations

import ctypes

FIELDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class Mallinfo(ctypes.Structure):
    """struct mallinfo2 of <malloc.h>."""

    _fields_ = [(name, ctypes.c_size_t) for name in FIELDS]


def allocated() -> dict[str, int]:
    """The numbers of mallinfo2(3), by its names; RuntimeError where the C library has none."""
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        raise RuntimeError("this C library tells nothing of its memory") from None
    ask.restype = Mallinfo
    found = ask()
    return {name: int(getattr(found, name)) for name in FIELDS}
