"""The child's side of the engine: one process that does units of work until its parent goes away.

A child reads hostile bytes, so it holds nothing worth stealing: no key, no passphrase, no path of the
ledger, only descriptors opened read-only by the gate, and the folder its results go to. What it says
to the parent is JSON and a board of counters, never a pickle: a child that was taken over
cannot make its parent run anything.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from mmap import mmap
from typing import Any

from custody.access import Part
from forensics.model import ExaminationError

BOARD_SIZE = 4096
REFUSED = "refused"
"""The key under which a child says why no unit can be done any more (no room for results), in place of an answer."""
_BOARD = struct.Struct("<QqQQH")
_HEADER = struct.Struct("<QI?")
_DESCRIPTORS_A_MESSAGE = 200  # Linux lets 253 travel in one message
_PR_SET_PDEATHSIG = 1


class Board:
    """Counters a child shows to its parent through shared memory, so that telling costs no system call.

    `beat` changes while work goes on: it is what tells a slow unit from a stuck one. Reading counts
    as going on only up to `allowance` bytes between two marks, so a library that reads the
    same blocks for ever is stuck too.
    """

    def __init__(self, memory: mmap | bytearray | None = None) -> None:
        self._memory: mmap | bytearray = bytearray(BOARD_SIZE) if memory is None else memory
        self.allowance = 1 << 40
        self._beat = self._done = self._files = self._idle = 0
        self._mark = -1
        self._path = b""

    def begin(self) -> None:
        """Say that a call is begun, and no object of it yet."""
        self._mark, self._path, self._idle = -1, b"", 0
        self._show()

    def mark(self, row: int, path: str) -> None:
        """Say that the object `row`, named `path`, is begun: what a failure will be put down to."""
        self._mark, self._path, self._idle = row, path.encode("utf-8", "replace")[:2000], 0
        self._files += 1
        self._show()

    def advance(self, length: int) -> None:
        """Say that `length` bytes of content (or none, but some result) were got through."""
        self._done += length
        self._idle = 0
        self._show()

    def read(self, length: int) -> None:
        """Say that `length` bytes were read from the medium, which is only maybe getting somewhere."""
        self._idle += length
        if self._idle <= self.allowance:
            self._show()

    def _show(self) -> None:
        self._beat += 1
        path = self._path
        _BOARD.pack_into(self._memory, 0, self._beat, self._mark, self._done, self._files, len(path))
        self._memory[_BOARD.size : _BOARD.size + len(path)] = path


def read_board(memory: mmap) -> tuple[int, int, int, int, str]:
    """What a board shows: beat, mark, bytes done, objects begun, path. A torn path may be shown once."""
    beat, mark, done, files, length = _BOARD.unpack_from(memory, 0)
    path = memory[_BOARD.size : _BOARD.size + min(length, BOARD_SIZE - _BOARD.size)]
    return beat, mark, done, files, path.decode("utf-8", "replace")


class _Current:
    """The board of the unit under way; without a parent (in tests) nobody looks at it."""

    board = Board()


def board() -> Board:
    """The board on which the running unit shows how far it is."""
    return _Current.board


class _PartPickler(pickle.Pickler):
    """Pickles a call; the descriptors of its `Part`s are set aside, to travel beside the bytes."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self.descriptors: list[int] = []

    def persistent_id(self, obj: object) -> tuple[str, int, int] | None:
        """A `Part` is named by its place among the descriptors; everything else is pickled."""
        if not isinstance(obj, Part):
            return None
        self.descriptors.append(obj.descriptor)
        return obj.name, obj.size, len(self.descriptors) - 1


class _PartUnpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, descriptors: list[int]) -> None:
        super().__init__(file)
        self._descriptors = descriptors

    def persistent_load(self, pid: tuple[str, int, int]) -> Part:
        name, size, place = pid
        return Part(name, size, self._descriptors[place])


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments as bytes, and the descriptors of every `Part` among them.

    `keep` leaves the descriptors open in the child when the call has ended.
    """

    payload: bytes
    descriptors: tuple[int, ...]
    keep: bool = False


def pack_call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], keep: bool) -> Call:
    """A call ready to be sent, again and again. Raises what pickle raises for what cannot travel."""
    buffer = io.BytesIO()
    pickler = _PartPickler(buffer)
    pickler.dump((function, args, kwargs))
    return Call(buffer.getvalue(), tuple(pickler.descriptors), keep)


def send_call(channel: socket.socket, call: Call) -> None:
    """Send a call; the descriptors travel beside the bytes (SCM_RIGHTS), a few hundred a message."""
    channel.sendall(_HEADER.pack(len(call.payload), len(call.descriptors), call.keep))
    for start in range(0, len(call.descriptors), _DESCRIPTORS_A_MESSAGE):
        socket.send_fds(channel, [b"d"], call.descriptors[start : start + _DESCRIPTORS_A_MESSAGE])
    channel.sendall(call.payload)


def _serve(channel: socket.socket) -> None:
    """Receive one call, run it, send its answer, and close what was lent for it."""
    length, count, keep = _HEADER.unpack(receive(channel, _HEADER.size))
    descriptors: list[int] = []
    while len(descriptors) < count:
        data, received, _, _ = socket.recv_fds(channel, 1, _DESCRIPTORS_A_MESSAGE)
        if not data:
            raise EOFError
        descriptors += received
    unpickler = _PartUnpickler(io.BytesIO(receive(channel, length)), descriptors)
    _Current.board.begin()
    function, args, kwargs = unpickler.load()
    answer: Mapping[str, Any] | None
    try:
        answer = function(*args, **kwargs)
    except ExaminationError as error:
        if not error.final:
            raise
        answer = {REFUSED: str(error), "advice": error.advice}
    if not keep:
        for descriptor in descriptors:
            os.close(descriptor)
    send_answer(channel, answer or {})


def receive(channel: socket.socket, length: int) -> bytes:
    """Exactly `length` bytes; EOFError when the other side has gone."""
    blocks = bytearray()
    while len(blocks) < length:
        block = channel.recv(min(length - len(blocks), 1 << 20))
        if not block:
            raise EOFError
        blocks += block
    return bytes(blocks)


def send_answer(channel: socket.socket, answer: Mapping[str, Any]) -> None:
    """Send what a unit returns, as JSON."""
    payload = json.dumps(answer).encode("ascii")
    channel.sendall(_HEADER.pack(len(payload), 0, False) + payload)


def receive_answer(channel: socket.socket) -> dict[str, Any]:
    """The answer of a child; EOFError when it died, ValueError when it is no JSON object."""
    length, _, _ = _HEADER.unpack(receive(channel, _HEADER.size))
    if length > 1 << 28:
        raise ValueError("the answer is too long")
    answer = json.loads(receive(channel, length))
    if not isinstance(answer, dict):
        raise ValueError("the answer is no object")  # noqa: TRY004 - one error for any wrong answer
    return answer


class _WithoutPandas(MetaPathFinder):
    """Keeps pyarrow from loading pandas where that is installed: 0.4 s and 40 MiB of every child, for nothing."""

    def find_spec(self, name: str, *_: object) -> None:
        """None leaves the module to others."""
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=name)


def _die_with_parent(parent: int) -> None:
    """Arrange to be killed when the parent ends, however it ends; where that cannot be, EOF tells."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def main() -> None:
    """Serve calls from the socket and show progress on the board named by the arguments, until EOF.

    An exception of a unit ends the process: the engine reads its last line, starts another child
    and tries the unit once more.
    """
    parent, channel, memory, limit = (int(argument) for argument in sys.argv[1:5])
    _die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold evidence
    # what is allocated, not what is mapped: evidence and libraries may be mapped as they like
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    sys.meta_path.insert(0, _WithoutPandas())
    _Current.board = Board(mmap(memory, BOARD_SIZE))
    try:
        connection = socket.socket(fileno=channel)
        while True:
            _serve(connection)
    except (EOFError, ConnectionError):
        return
