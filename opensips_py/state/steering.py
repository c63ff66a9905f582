"""A classic BPF program that gives a datagram to the worker that owns its Call-ID.

The kernel runs it for every datagram that reaches a group of SO_REUSEPORT sockets; its result is the number of the
socket in the group. Such a program cannot loop: the search for the header and the hash are written out.
"""
from __future__ import annotations

import ctypes
import socket
import struct

SO_ATTACH_REUSEPORT_CBPF = 51
LONGEST_PROGRAM = 4096  # instructions that the kernel takes
NOBODY = 0xFFFFFFFF  # out of range: the kernel then chooses by the addresses

LOAD_WORD, LOAD_WORD_AT_X, LOAD_BYTE_AT_X = 0x20, 0x40, 0x50
LOAD_CONSTANT, LOAD_MEMORY, SET_X, X_FROM_MEMORY, STORE = 0x00, 0x60, 0x01, 0x61, 0x02
ADD, ADD_X, SUBTRACT, MULTIPLY, AND, OR, MODULO, SHIFT_RIGHT = 0x04, 0x0C, 0x14, 0x24, 0x54, 0x44, 0x94, 0x74
JUMP, IF_EQUAL, IF_GREATER, RETURN, RETURN_A, X_FROM_A, A_FROM_X = 0x05, 0x15, 0x25, 0x06, 0x16, 0x07, 0x87

FOLD = 0x20202020  # to lower case; digits, '-' and ':' have the bit anyway
# A word at every fourth offset: one of them lies inside "all-ID:", whatever the header's own offset.
PARTS = [(b"all-", 1), (b"ll-i", 2), (b"l-id", 3), (b"-id:", 4)]  # and how far behind the C it lies
WINDOWS = 30  # that share one piece of code looking closer: a conditional jump reaches 255 instructions
HASHED = 64  # bytes of a Call-ID

Instruction = tuple[int, int, int, int]


def word(text: bytes) -> int:
    """Four bytes as the program loads them."""
    return int.from_bytes(text, "big")


def search(offset: int) -> list[Instruction]:
    """Look for the Call-ID header in a stretch from *offset* on; X is its line break when it is found.

    The last instruction is to become the jump to the hash; what follows it goes on behind this stretch.
    """
    code: list[Instruction] = []
    closer = WINDOWS * (3 + len(PARTS)) + 1
    for window in range(WINDOWS):
        code += [(SET_X, 0, 0, offset + 4 * window), (LOAD_WORD, 0, 0, offset + 4 * window), (OR, 0, 0, FOLD)]
        for part, (text, _) in enumerate(PARTS):
            code.append((IF_EQUAL, closer + 3 * part - len(code) - 1, 0, word(text)))
    stretch_end = closer + 3 * len(PARTS) + 9
    code.append((JUMP, 0, 0, stretch_end - len(code) - 1))
    for part, (_, behind) in enumerate(PARTS):
        code += [(A_FROM_X, 0, 0, 0), (SUBTRACT, 0, 0, behind + 1), (JUMP, 0, 0, 3 * (len(PARTS) - part - 1))]
    # In front of it a line break, all of it there: "Call-Info:" and "wall-identity" look alike until here.
    code += [(X_FROM_A, 0, 0, 0), (LOAD_WORD_AT_X, 0, 0, 0), (OR, 0, 0, FOLD), (IF_EQUAL, 0, 3, word(b"\x2acal")),
             (LOAD_WORD_AT_X, 0, 0, 5), (OR, 0, 0, FOLD), (IF_EQUAL, 1, 0, word(b"-id:")), (JUMP, 0, 0, 1),
             (JUMP, 0, 0, 0)]
    return code


def hashing(multiplier: int, start: int, workers: int) -> list[Instruction]:
    """Hash the Call-ID whose header begins behind X, and return its worker."""
    each = 7
    code: list[Instruction] = [
        (LOAD_CONSTANT, 0, 0, start), (STORE, 0, 0, 0),
        (LOAD_BYTE_AT_X, 0, 0, 9), (IF_EQUAL, 0, 3, 0x20), (A_FROM_X, 0, 0, 0), (ADD, 0, 0, 1), (X_FROM_A, 0, 0, 0),
        (A_FROM_X, 0, 0, 0), (STORE, 0, 0, 1)]
    for index in range(HASHED):
        left = (HASHED - index - 1) * (each + 1)
        code += [(X_FROM_MEMORY, 0, 0, 1), (LOAD_BYTE_AT_X, 0, 0, 9 + index), (IF_GREATER, 1, 0, 0x20),
                 (JUMP, 0, 0, 4 + left),
                 (X_FROM_MEMORY, 0, 0, 0), (ADD_X, 0, 0, 0), (MULTIPLY, 0, 0, multiplier), (STORE, 0, 0, 0)]
    return [*code, (LOAD_MEMORY, 0, 0, 0), (SHIFT_RIGHT, 0, 0, 16), (AND, 0, 0, 1023), (MODULO, 0, 0, workers),
            (RETURN_A, 0, 0, 0)]


def program(multiplier: int, start: int, workers: int) -> list[Instruction]:
    """The program for sockets in the order of their workers; slot s belongs to worker s mod *workers*."""
    tail = hashing(multiplier | 1, start, workers)
    stretch = len(search(0))
    count = (LONGEST_PROGRAM - len(tail) - 1) // stretch
    code: list[Instruction] = []
    for index in range(count):
        code += search(4 * WINDOWS * index)
        code[-1] = (JUMP, 0, 0, (count - index - 1) * stretch + 1)
    return [*code, (RETURN, 0, 0, NOBODY), *tail]


def attach(group: socket.socket, code: list[Instruction]) -> None:
    """Let *code* choose among the sockets that are bound to the same address as *group*."""
    text = b"".join(struct.pack("HBBI", *each) for each in code)
    memory = ctypes.create_string_buffer(text, len(text))
    group.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF,
                     struct.pack("HL", len(code), ctypes.addressof(memory)))
