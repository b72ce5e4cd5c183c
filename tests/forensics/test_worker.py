"""The child's side, in this process: calls over a socket, the board, the end of the parent."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from mmap import mmap
from pathlib import Path

import pytest

from custody.access import Part
from forensics.engine import worker


def where(part: Part) -> dict[str, object]:
    return {"name": part.name, "data": part.read_at(0, 2).decode(), "descriptor": part.descriptor}


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("keep", [True, False])
def test_a_call_is_served_and_what_was_lent_is_closed(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path, keep: bool
) -> None:
    (tmp_path / "f").write_bytes(b"hello")
    descriptor = os.open(tmp_path / "f", os.O_RDONLY)
    worker.send_call(ends[0], worker.pack_call(dict, (), {"part": Part("f", 5, descriptor)}, keep))
    worker.send_call(ends[0], worker.pack_call(where, (Part("f", 5, descriptor),), {}, keep))
    with pytest.raises(TypeError):
        worker._serve(ends[1])  # a dict of a Part is no JSON: the process would end of it
    worker._serve(ends[1])
    answer = worker.receive_answer(ends[0])
    assert (answer["name"], answer["data"]) == ("f", "he")
    assert Path(f"/proc/self/fd/{answer['descriptor']}").exists() is keep
    os.close(descriptor)


def test_a_closed_channel_is_the_end(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].close()
    with pytest.raises(EOFError):
        worker._serve(ends[1])


@pytest.mark.parametrize(("answer", "reason"), [(b"[]", "no object"), (b"{", "Expecting"), (None, "too long")])
def test_nonsense_for_an_answer_is_refused(
    ends: tuple[socket.socket, socket.socket], answer: bytes | None, reason: str
) -> None:
    length = 1 << 40 if answer is None else len(answer)
    ends[1].sendall(worker._HEADER.pack(length, 0, False) + (answer or b""))
    with pytest.raises(ValueError, match=reason):
        worker.receive_answer(ends[0])


def test_the_board_shows_what_is_going_on() -> None:
    memory = mmap(-1, worker.BOARD_SIZE)
    board = worker.Board(memory)
    board.allowance = 100
    board.mark(5, "Çelësi/" + "x" * 5000)
    board.advance(10)
    beat, mark, done, files, path = worker.read_board(memory)
    assert (mark, done, files, path[:7]) == (5, 10, 1, "Çelësi/")
    board.read(60)
    assert worker.read_board(memory)[0] == beat + 1
    board.read(60)  # beyond the allowance: reading alone is no progress any more
    assert worker.read_board(memory)[0] == beat + 1
    board.begin()
    assert worker.read_board(memory)[1:] == (-1, 10, 1, "x"[:0])
