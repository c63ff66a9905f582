"""Words of shared memory by name: the same in every process."""
import os

import pytest

from opensips_py.server.shared import SharedWords

SIZE = 1 << 20


@pytest.fixture
def fd():
    made = os.memfd_create("words")
    os.ftruncate(made, SIZE)
    yield made
    os.close(made)


def test_every_process_finds_the_same_words_by_name(fd):
    ours, theirs = SharedWords(fd, SIZE), SharedWords(fd, SIZE)
    ours.words("pike", 4).store(3, 77)
    assert theirs.words("pike", 4).load(3) == 77
    assert ours.words("pike", 4).load(3) == 77


def test_no_two_names_share_a_word_and_all_begin_at_zero(fd):
    memory = SharedWords(fd, SIZE)
    first, second, longer = memory.words("a", 8), memory.words("b", 8), memory.words("a", 9)
    for index in range(8):
        first.store(index, index + 1)
        second.store(index, 100 + index)
    assert [longer.load(index) for index in range(9)] == [0] * 9  # another length is another name
    assert [first.load(index) for index in range(8)] == list(range(1, 9))


def test_memory_that_is_used_up_is_named(fd):
    memory = SharedWords(fd, SIZE)
    with pytest.raises(MemoryError, match="no shared memory left for big"):
        memory.words("big", SIZE // 8)
    memory.words("small", 1).store(0, 5)
    assert memory.words("small", 1).load(0) == 5
