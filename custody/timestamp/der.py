"""What must be known of DER (X.690) beside the library: a token as a reply, and sets in DER's order."""

from __future__ import annotations

from collections.abc import Callable


def granted(token: bytes) -> bytes:
    """A reply (RFC 3161 section 2.4.2) that grants this token."""
    body = b"\x30\x03\x02\x01\x00" + token  # the status: granted
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return b"\x30" + (bytes([0x80 + len(size)]) if len(body) > 127 else b"") + size + body


def in_order(reply: bytes) -> bytes:
    """The reply with the sets of its signed data (RFC 5652 section 5.1) in order; what has no such form, as it is.

    openssl writes a chain of certificates as it comes. No signature is over the order of these sets.
    """

    def sets_sorted(part: bytes) -> bytes:
        return _changed(part, sorted) if part[:1] in (b"\xa0", b"\x31") else part

    def signed_data(part: bytes) -> bytes:
        return _changed(part, lambda parts: list(map(sets_sorted, parts)))

    try:
        token = _at(1, _at(1, _at(0, signed_data)))
        return token(reply)
    except (ValueError, IndexError):
        return reply


def _at(place: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """The change, done to the element at a place in another one."""

    def changed(parts: list[bytes]) -> list[bytes]:
        return [*parts[:place], change(parts[place]), *parts[place + 1 :]]

    return lambda element: _changed(element, changed)


def _changed(element: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """The element with its parts changed into others of the same length together."""
    begin, end = _content(element, 0)
    parts, place = [], begin
    while place < end:
        _, stop = _content(element, place)
        parts.append(element[place:stop])
        place = stop
    if place != end or end != len(element):
        raise ValueError("not one whole element")
    return element[:begin] + b"".join(change(parts))


def _content(data: bytes, place: int) -> tuple[int, int]:
    """Where the content of the element at `place` begins and ends; IndexError beyond the data."""
    begin, size = place + 2, data[place + 1]
    if size > 0x80:
        begin += size - 0x80
        size = int.from_bytes(data[place + 2 : begin], "big")
    if begin + size > len(data):
        raise IndexError("an element that is cut off")
    return begin, begin + size
