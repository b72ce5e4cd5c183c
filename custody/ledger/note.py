"""Checkpoints as signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature v1): write, read, verify.

Read more strictly than C2SP asks: three lines of body, no more, and one spelling for every value. Keys are
matched whole: a line's four-byte key id only says whether it is worth trying. Verifying never raises.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass

from custody.ledger.entry import b64, unb64
from custody.ledger.errors import MalformedError
from custody.ledger.merkle import HASH_SIZE
from custody.ledger.signing import ED25519, ML_DSA_44, PrivateKey, public_key_of, sign_payload, verify_payload

# Signature types: that of signed-note, over the body alone, and the two of tlog-cosignature, with a time.
NOTE_ED25519, COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44 = 0x01, 0x04, 0x06
_ALGORITHMS = {NOTE_ED25519: ED25519, COSIGNATURE_ED25519: ED25519, COSIGNATURE_ML_DSA_44: ML_DSA_44}
# Sizes and times are below 2^63: x >> 63 is 0 for these alone, not for negative numbers either.
_MAX_NOTE, _MAX_LINES, _MAX_NAME = 64 * 1024, 64, 255
_BAD_NAME = "a checkpoint's origin or key name is above 255 bytes, or the name has a space or a plus sign"
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_NAME = re.compile(r"[^\s+]+")
_LINE = re.compile(rf"— ({_NAME.pattern}) (\S+)\n")
_NOTE = re.compile(rf"(.+)\n(0|[1-9][0-9]{{0,18}})\n(.+)\n\n((?:{_LINE.pattern})+)")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: origin (whose), size (leaves), root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> bytes:
        """The three lines that are signed, each with its newline (tlog-checkpoint, note text)."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n".encode()


@dataclass(frozen=True, slots=True)
class Line:
    """One signature line: the key's name, its id (4 bytes), and what stands after the id."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint and its signature lines in order. Nothing in it is true until verified."""

    checkpoint: Checkpoint
    signatures: tuple[Line, ...]


def fingerprint(checkpoint: Checkpoint) -> str:
    """Hex SHA-256 of the three-line body, short enough to be kept on paper."""
    return hashlib.sha256(checkpoint.body).hexdigest()


def parse_note(data: bytes) -> Note:
    """The checkpoint note in these bytes; MalformedError, saying why, for anything but its one spelling.

    At most 64 KiB, 64 signature lines, and 255 bytes of origin or name, the most that tlog-cosignature signs.
    """
    text = data[:_MAX_NOTE].decode("utf-8", errors="replace")
    if text.encode() != data or _CONTROL.search(text):
        raise MalformedError("a checkpoint is at most 64 KiB of UTF-8 without control characters")
    if not (parts := _NOTE.fullmatch(text)):
        raise MalformedError("a checkpoint is origin, size, root and an empty line, then signature lines")
    origin, size, root = parts[1], int(parts[2]), unb64(parts[3])
    lines = [(name, unb64(value)) for name, value in _LINE.findall(parts[4])]
    if max(len(name.encode()) for name in (origin, *dict(lines))) > _MAX_NAME:
        raise MalformedError(_BAD_NAME)
    if size >> 63 or len(root) != HASH_SIZE or min(len(value) for _, value in lines) <= 4:
        raise MalformedError("a checkpoint's size, root or signature is not of its length")
    if len(lines) > _MAX_LINES or len(set(lines)) < len(lines):
        raise MalformedError("a checkpoint has more than 64 signature lines, or the same one twice")
    signatures = tuple(Line(name, value[:4], value[4:]) for name, value in lines)
    return Note(Checkpoint(origin, size, root), signatures)


def sign_checkpoint(checkpoint: Checkpoint, ed25519: PrivateKey, ml_dsa: PrivateKey, timestamp: int) -> bytes:
    """The note with both signatures of the log's own keys; MalformedError for what would be refused when read."""
    lines = sign_line(checkpoint, checkpoint.origin, NOTE_ED25519, ed25519, 0)
    lines += sign_line(checkpoint, checkpoint.origin, COSIGNATURE_ML_DSA_44, ml_dsa, timestamp)
    note = checkpoint.body + b"\n" + lines
    if verify_checkpoint(parse_note(note), public_key_of(ed25519)[1], public_key_of(ml_dsa)[1]):
        raise MalformedError("a checkpoint is signed with an Ed25519 and an ML-DSA-44 key, in this order")
    return note


def sign_line(checkpoint: Checkpoint, name: str, kind: int, private: PrivateKey, timestamp: int) -> bytes:
    """One signature line to add to a note, or MalformedError; `timestamp` (seconds since 1970) is 0 for kind 0x01."""
    if (timestamp == 0) != (kind == NOTE_ED25519) or (timestamp | checkpoint.size) >> 63:
        raise MalformedError("a checkpoint to sign has a time after 1970 and a size below 2^63")
    if not _NAME.fullmatch(name) or max(len(name.encode()), len(checkpoint.origin.encode())) > _MAX_NAME:
        raise MalformedError(_BAD_NAME)
    value = _key_id(name, kind, public_key_of(private)[1]) + (timestamp.to_bytes(8, "big") if timestamp else b"")
    value += sign_payload(private, _message(kind, checkpoint, name, timestamp))
    return f"— {name} {b64(value)}\n".encode()


def verify_checkpoint(note: Note, ed25519: bytes, ml_dsa: bytes) -> list[str]:
    """What is wrong with the log's own signatures, by these raw public keys; [] when all is well.

    A fault is a stripped, wrong, doubled or further line under the origin's name. Other names' lines are ignored.
    """
    own, faults = [line for line in note.signatures if line.name == note.checkpoint.origin], []
    for kind, public in ((NOTE_ED25519, ed25519), (COSIGNATURE_ML_DSA_44, ml_dsa)):
        good = [line for line in own if _time_of(note.checkpoint, line, kind, public) is not None]
        if len(good) != 1:
            faults.append(f"its {_ALGORITHMS[kind]} signature is {'doubled' if good else 'missing or wrong'}")
    if len(own) > 2 and not faults:
        faults.append("a further signature stands under the ledger's own name")
    return faults


def cosignature(note: Note, name: str, kind: int, public: bytes) -> int | None:
    """When this raw public key, as `kind` 0x04 or 0x06 under `name`, first signed: seconds since 1970, None if never.

    A line that gives no time (0) counts as none.
    """
    if kind not in (COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44):
        return None
    times = [_time_of(note.checkpoint, line, kind, public) for line in note.signatures if line.name == name]
    return min((time for time in times if time is not None), default=None)


def _time_of(checkpoint: Checkpoint, line: Line, kind: int, public: bytes) -> int | None:
    """The time of a line that this key signed, 0 for the kind that has none; None for any other line."""
    start = 0 if kind == NOTE_ED25519 else 8
    time = int.from_bytes(line.signature[:start], "big")
    if line.key_id != _key_id(line.name, kind, public) or (start and (time == 0 or time >> 63)):
        return None
    message = _message(kind, checkpoint, line.name, time)
    return time if verify_payload(_ALGORITHMS[kind], public, message, line.signature[start:]) else None


def _message(kind: int, checkpoint: Checkpoint, name: str, time: int) -> bytes:
    """The bytes each kind signs: the body, the body below two lines, or the `cosigned_message` structure."""
    if kind == NOTE_ED25519:
        return checkpoint.body
    if kind == COSIGNATURE_ED25519:
        return b"cosignature/v1\ntime %d\n" % time + checkpoint.body
    cosigner, origin = name.encode(), checkpoint.origin.encode()
    form = f">12sB{len(cosigner)}sQB{len(origin)}sQQ32s"  # start, before the size, is 0: the whole tree
    fields = (len(cosigner), cosigner, time, len(origin), origin, 0, checkpoint.size, checkpoint.root)
    return struct.pack(form, b"subtree/v1\n\0", *fields)


def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
