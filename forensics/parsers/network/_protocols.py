"""What a packet says by its headers: Ethernet, IPv4 (RFC 791), IPv6 (RFC 8200), TCP, UDP; names (DNS, RFC 1035),
requests (HTTP/1, RFC 9112), the server's name in TLS (RFC 8446, RFC 6066). Packet by packet: nothing is put together.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from typing import NamedTuple

_ETHERNET, _NULL, _LOOP, _SLL, _SLL2 = 1, 0, 108, 113, 276
_RAW = (12, 14, 101, 228, 229)
LINKS = frozenset((_ETHERNET, _NULL, _LOOP, _SLL, _SLL2, *_RAW))
"""Types of links that are read."""

_VLAN = (0x8100, 0x88A8, 0x9100)
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_PROTOCOLS = {1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 51: "AH", 58: "ICMPv6", 132: "SCTP"}
_EXTENSIONS = (0, 43, 60)
_FRAGMENT = 44
_TYPES = dict(
    zip(
        (1, 2, 5, 6, 12, 15, 16, 28, 33, 64, 65, 255),
        ("A", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "AAAA", "SRV", "SVCB", "HTTPS", "ANY"),
        strict=True,
    )
)
_ANSWERS_LIMIT, _LABELS_LIMIT = 64, 128
_REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE|PROPFIND) (\S{1,4096}) HTTP/1\.[01]\r\n")
_SHOWN = {b"host": "host", b"user-agent": "user_agent", b"referer": "referer", b"content-type": "content_type"}


class Segment(NamedTuple):
    """Who speaks to whom, by which protocol, and what is said. Ports are 0 where there are none."""

    protocol: str
    source: str
    destination: str
    source_port: int
    destination_port: int
    payload: bytes


def _network(link: int, data: bytes) -> bytes | None:
    """The IP packet in a frame; None for a frame of something else. Raises struct.error where it is cut."""
    if link in _RAW:
        return data
    if link in (_NULL, _LOOP):
        return data[4:]
    if link == _SLL:
        kind, at = struct.unpack_from(">H", data, 14)[0], 16
    elif link == _SLL2:
        kind, at = struct.unpack_from(">H", data)[0], 20
    else:
        kind, at = struct.unpack_from(">H", data, 12)[0], 14
        while kind in _VLAN:
            kind, at = struct.unpack_from(">H", data, at + 2)[0], at + 4
    return data[at:] if kind in (_IPV4, _IPV6) else None


def _internet(data: bytes) -> tuple[int, str, str, bytes, bool] | None:
    """Protocol, addresses, contents of an IP packet, and whether it is the first of its pieces."""
    version = data[0] >> 4 if data else 0
    if version == 4:
        length, pieces = (data[0] & 15) * 4, struct.unpack_from(">H", data, 6)[0]
        total = struct.unpack_from(">H", data, 2)[0] or len(data)  # 0: the network card cuts it later
        addresses = (str(ipaddress.IPv4Address(data[at : at + 4])) for at in (12, 16))
        return data[9], *addresses, data[length:total], not pieces & 0x1FFF  # type: ignore[return-value]
    if version == 6:
        protocol, at, first = data[6], 40, True
        addresses = (str(ipaddress.IPv6Address(data[at : at + 16])) for at in (8, 24))
        for _ in range(16):
            if protocol in _EXTENSIONS:
                protocol, at = data[at], at + 8 + data[at + 1] * 8
            elif protocol == _FRAGMENT:
                first = first and not struct.unpack_from(">H", data, at + 2)[0] & 0xFFF8
                protocol, at = data[at], at + 8
            else:
                break
        return protocol, *addresses, data[at:], first  # type: ignore[return-value]
    return None


def segment(link: int, data: bytes) -> Segment | None:
    """What a frame carries; None for what is no IP, or cut before its ports."""
    try:
        inner = _network(link, data)
        found = _internet(inner) if inner else None
        if found is None:
            return None
        protocol, source, destination, contents, first = found
        name = _PROTOCOLS.get(protocol, f"IP {protocol}")
        if protocol not in (_TCP, _UDP) or not first:
            return Segment(name, source, destination, 0, 0, b"")
        here, there = struct.unpack_from(">HH", contents)
        start = (contents[12] >> 4) * 4 if protocol == _TCP else 8
        return Segment(name, source, destination, here, there, contents[start:])
    except (struct.error, IndexError, ipaddress.AddressValueError):
        return None


class _Name(NamedTuple):
    text: str
    end: int


def _name(data: bytes, at: int) -> _Name:
    """A name of DNS at `at`, pointers followed backwards only. Raises IndexError."""
    labels: list[str] = []
    end, lowest = 0, at
    while data[at]:
        if data[at] & 0xC0 == 0xC0:
            target = (data[at] & 0x3F) << 8 | data[at + 1]
            end = end or at + 2
            if target >= lowest:
                raise IndexError("a pointer that leads forwards")
            at = lowest = target
            continue
        if len(labels) >= _LABELS_LIMIT or data[at] > 63 or at + data[at] >= len(data):
            raise IndexError("no name")
        labels.append(data[at + 1 : at + 1 + data[at]].decode("utf-8", "backslashreplace"))
        at += 1 + data[at]
    return _Name(".".join(labels) or ".", end or at + 1)


def _answer(data: bytes, at: int, kind: int, length: int) -> str:
    value = data[at : at + length]
    if kind == 1 and length == 4:
        return str(ipaddress.IPv4Address(value))
    if kind == 28 and length == 16:
        return str(ipaddress.IPv6Address(value))
    if kind in (2, 5, 12):
        return _name(data, at).text
    if kind == 15:
        return _name(data, at + 2).text
    if kind == 16:
        return value[1 : 1 + value[0]].decode("utf-8", "backslashreplace") if value else ""
    return ""


def name_message(data: bytes) -> dict[str, object] | None:
    """A message of DNS: what is asked and what is answered; None for other bytes."""
    try:
        identifier, flags, questions, answers, _, _ = struct.unpack_from(">6H", data)
        if questions != 1 or flags >> 11 & 15 or answers > 4096:
            return None
        asked = _name(data, 12)
        kind = struct.unpack_from(">H", data, asked.end)[0]
        told, at = [], asked.end + 4
        for _ in range(min(answers, _ANSWERS_LIMIT)):
            owner = _name(data, at)
            of, _, _, length = struct.unpack_from(">HHIH", data, owner.end)
            told.append(f"{_TYPES.get(of, str(of))} {_answer(data, owner.end + 10, of, length)}".strip())
            at = owner.end + 10 + length
    except (struct.error, IndexError, ipaddress.AddressValueError):
        return None
    return {
        "name": asked.text,
        "type": _TYPES.get(kind, str(kind)),
        "direction": "answer" if flags & 0x8000 else "query",
        "answers": "; ".join(told),
        "code": flags & 15 if flags & 0x8000 else "",
        "identifier": f"{identifier:04x}",
    }


def web_request(data: bytes) -> dict[str, object] | None:
    """A request of HTTP/1 that begins a segment; never its cookies, authorisation and contents."""
    found = _REQUEST.match(data)
    if found is None:
        return None
    method, target = (part.decode("utf-8", "backslashreplace") for part in found.groups())
    fields: dict[str, object] = {"method": method, "target": target}
    for line in data[found.end() :].split(b"\r\n\r\n")[0].split(b"\r\n")[:100]:
        name, _, value = line.partition(b":")
        if shown := _SHOWN.get(name.strip().lower()):
            fields[shown] = value.strip().decode("utf-8", "backslashreplace")
    return fields


def _extensions(data: bytes, at: int) -> dict[str, object]:
    """Of the extensions of a ClientHello the server's name and the protocols offered. Raises struct.error."""
    fields: dict[str, object] = {}
    end = at + 2 + struct.unpack_from(">H", data, at)[0]
    at += 2
    while at + 4 <= min(end, len(data)):
        kind, length = struct.unpack_from(">HH", data, at)
        value = data[at + 4 : at + 4 + length]
        if kind == 0 and len(value) > 5:
            size = struct.unpack_from(">H", value, 3)[0]
            fields["server_name"] = value[5 : 5 + size].decode("utf-8", "backslashreplace")
        elif kind == 16 and len(value) > 2:
            offered, place = [], 2
            while place < len(value):
                offered.append(value[place + 1 : place + 1 + value[place]].decode("ascii", "backslashreplace"))
                place += 1 + value[place]
            fields["protocols"] = ", ".join(offered)
        at += 4 + length
    return fields


def handshake(data: bytes) -> dict[str, object] | None:
    """The ClientHello of TLS that begins a segment, as far as the segment has it; None for other bytes."""
    if data[:2] != b"\x16\x03" or data[5:6] != b"\1":
        return None
    try:
        version = struct.unpack_from(">H", data, 9)[0]
        at = 43
        at += 1 + data[at]
        at += 2 + struct.unpack_from(">H", data, at)[0]
        at += 1 + data[at]
        return {"version": f"{version:04x}", **_extensions(data, at)}
    except (struct.error, IndexError):
        return {"version": "", "incomplete": "true"}
