"""Containers that are recognised by their signature and refused by name: their bytes are not the medium's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from custody.access import Part, PartOpener
from forensics.media._contract import Medium, MediumError, read_part

_HEAD = 4096


@dataclass(frozen=True, slots=True)
class _Signature:
    name: str
    matches: Callable[[bytes, bytes], bool]  # first 4096 bytes, last 512 bytes


def _starts(*signatures: bytes) -> Callable[[bytes, bytes], bool]:
    return lambda head, _tail: head.startswith(signatures)


def _is_aff4(head: bytes, tail: bytes) -> bool:
    return head.startswith(b"PK\x03\x04") and (b"container.description" in head or b"aff4://" in tail)


_UNREAD = (
    _Signature("EnCase 7 Ex01 (EWF2)", _starts(b"EVF2\x0d\x0a\x81\x00")),
    _Signature("EnCase 7 logical evidence Lx01 (EWF2)", _starts(b"LEF2\x0d\x0a\x81\x00")),
    _Signature("EnCase logical evidence L01", _starts(b"LVF\x09\x0d\x0a\xff\x00")),
    _Signature("AFF4", _is_aff4),
    _Signature("AFF", _starts(b"AFF10\r\n\x00")),
)


def _name(first: Part) -> str | None:
    head = read_part(first, 0, _HEAD)
    tail = read_part(first, first.size - 512, 512) if first.size >= 512 else b""
    return next((signature.name for signature in _UNREAD if signature.matches(head, tail)), None)


def recognises(first: Part) -> bool:
    """Whether the signature is that of a container that is not read."""
    return _name(first) is not None


def open_parts(first: Part, _open_part: PartOpener) -> Medium:
    """Raises `MediumError`, always, with the format's name."""
    raise MediumError(
        f"{first.name} is a container in the format {_name(first)}, which is not read yet",
        "Convert it to raw or E01 with a tool you trust, record the conversion, and ingest the result.",
    )
