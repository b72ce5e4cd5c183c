"""Captures of network traffic (pcap, pcapng): who spoke to whom, which names were asked for, what was requested.

By our own code: the layouts are short and fixed, and dpkt had its last release in 2022.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers.network._packets import CaptureError, Packet, is_capture, packets
from forensics.parsers.network._protocols import LINKS, Segment, handshake, name_message, segment, web_request

_NAME, _VERSION = "packet_capture", "1"
_CONVERSATION, _NAMES, _REQUEST, _HANDSHAKE = "pcap.conversation", "pcap.name", "pcap.request", "pcap.handshake"
_NAME_PORTS = frozenset((53, 5353, 5355))
_CONVERSATIONS_LIMIT = 50_000
"""Conversations kept in mind at once; beyond, the one that was silent longest is told and forgotten."""

Key = tuple[str, str, int, str, int]


def _moment(at: int | None) -> Moment:
    return Moment(at, "" if at is None else f"{at // 10**9}.{at % 10**9:09d}")


@dataclass(slots=True)
class _Conversation:
    first: Segment
    place: tuple[int, int]
    began: int | None
    ended: int | None
    sent: list[int] = field(default_factory=lambda: [0, 0])  # packets and bytes of who spoke first
    returned: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, packet: Packet, found: Segment) -> None:
        forth = (found.source, found.source_port) == (self.first.source, self.first.source_port)
        way = self.sent if forth else self.returned
        way[0] += 1
        way[1] += packet.length
        if packet.at is not None:
            self.began = packet.at if self.began is None else min(self.began, packet.at)
            self.ended = packet.at if self.ended is None else max(self.ended, packet.at)


def _ends(found: Segment) -> dict[str, object]:
    return {
        "protocol": found.protocol,
        "source": found.source,
        "source_port": found.source_port or "",
        "destination": found.destination,
        "destination_port": found.destination_port or "",
    }


def _key(found: Segment) -> Key:
    one, other = (found.source, found.source_port), (found.destination, found.destination_port)
    return found.protocol, *min(one, other), *max(one, other)


class _Capture:
    """One reading of a capture."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._open: dict[Key, _Conversation] = {}
        self._other: dict[int, int] = {}  # link -> packets that are not read

    def read(self) -> Iterator[Artefact | Problem]:
        try:
            for packet in packets(self._facts.source):
                yield from self._packet(packet)
        except CaptureError as error:
            rest = error.place, self._facts.source.size - error.place
            yield from self._told()
            yield self._facts.problem(str(error), rest)
        else:
            yield from self._told()
        for link, count in sorted(self._other.items()):
            yield self._facts.problem(f"{count:,} packets are of the link type {link}, which is not read")

    def _told(self) -> Iterator[Artefact]:
        yield from (self._conversation(known) for known in self._open.values())
        self._open.clear()

    def _packet(self, packet: Packet) -> Iterator[Artefact]:
        found = segment(packet.link, packet.data)
        if found is None:
            if packet.link not in LINKS:
                self._other[packet.link] = self._other.get(packet.link, 0) + 1
            return
        key = _key(found)
        known = self._open.pop(key, None)
        if known is None:
            if len(self._open) >= _CONVERSATIONS_LIMIT:
                yield self._conversation(self._open.pop(next(iter(self._open))))
            known = _Conversation(found, (packet.offset, packet.size), packet.at, packet.at)
        known.add(packet, found)
        self._open[key] = known  # behind all others: the first is the one that was silent longest
        yield from self._said(packet, found)

    def _said(self, packet: Packet, found: Segment) -> Iterator[Artefact]:
        """What a packet says in words: a name asked for, a request, the server's name."""
        if not found.payload:
            return
        kind, fields = "", None
        if found.protocol == "UDP" and _NAME_PORTS & {found.source_port, found.destination_port}:
            kind, fields = _NAMES, name_message(found.payload)
        elif found.protocol == "TCP":
            kind, fields = _REQUEST, web_request(found.payload)
            if fields is None:
                kind, fields = _HANDSHAKE, handshake(found.payload)
        if fields is not None:
            place = packet.offset, packet.size
            yield self._facts.artefact(kind, {"sent": _moment(packet.at)}, {**_ends(found), **fields}, place=place)

    def _conversation(self, known: _Conversation) -> Artefact:
        times = {"began": _moment(known.began), "ended": _moment(known.ended)}
        fields = {
            **_ends(known.first),
            "packets": known.sent[0] + known.returned[0],
            "bytes": known.sent[1] + known.returned[1],
            "packets_sent": known.sent[0],
            "bytes_sent": known.sent[1],
            "packets_returned": known.returned[0],
            "bytes_returned": known.returned[1],
        }
        return self._facts.artefact(_CONVERSATION, times, fields, place=known.place)


@dataclass(frozen=True, slots=True)
class PacketCaptureParser:
    """Artefacts `pcap.conversation`: times began, ended (UTC); fields protocol, source, destination, ports, packets and
    bytes each way. `pcap.name` (DNS), `pcap.request` (HTTP/1), `pcap.handshake` (TLS): time sent.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_CONVERSATION, _NAMES, _REQUEST, _HANDSHAKE)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature and the version or byte order mark behind it."""
        return is_capture(head)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """What packets say in their order, then the conversations in the order of their last packet; see
        `Parser.parse`.
        """
        yield from _Capture(Facts(source, self.name, self.version)).read()


PARSER = PacketCaptureParser()
