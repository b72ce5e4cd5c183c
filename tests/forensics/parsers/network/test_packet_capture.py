"""Captures: a public one held against capinfos and tshark, every layer built by hand, damaged and hostile ones."""

from __future__ import annotations

import ipaddress
import json
import re
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.parsers import parser_for
from forensics.parsers._facts import Facts
from forensics.parsers.network import packet_capture
from forensics.parsers.network._protocols import handshake, name_message, segment, web_request
from forensics.parsers.network.packet_capture import PARSER, _Capture
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "pcap/plaso/test.pcap"
At = Callable[[str], int]


def test_a_public_capture(corpus: Fetch, read: Any, at: At) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "x.bin") is PARSER
    found = read(PARSER, data)
    assert problems(found) == []
    conversations = artefacts(found, "pcap.conversation")
    oracle = json.loads(corpus("oracles/artefact/pcap__plaso__test.pcap.json").read_text(encoding="utf-8"))
    told = dict(re.findall(r"^ *([a-z.]+) +frames:(\d+)", "\n".join(reversed(oracle["protocols"])), re.MULTILINE))
    by_protocol = {name: [c for c in conversations if c.fields["protocol"] == name] for name in ("TCP", "UDP")}
    assert sum(int(c.fields["packets"]) for c in by_protocol["TCP"]) == int(told["tcp"])
    assert sum(int(c.fields["bytes"]) for c in by_protocol["TCP"]) == 1_247_431
    assert sum(int(c.fields["packets"]) for c in by_protocol["UDP"]) == 47 + 10  # over IPv4 and IPv6
    assert len(artefacts(found, "pcap.name")) == 34 + 10 + 10  # dns, llmnr over both
    assert len(artefacts(found, "pcap.request")) * 2 == int(told["http"])  # each is answered
    assert min(c.times["began"] for c in conversations) >= at("2013-07-18T19:11:46.795704+00:00")
    assert max(c.times["ended"] for c in conversations) <= at("2013-07-18T19:12:25.865621+00:00")
    pair = [c for c in conversations if "173.194.46.10" in (c.fields["source"], c.fields["destination"])]
    assert sum(int(c.fields["packets"]) for c in pair) == 666
    hosts = {request.fields["host"] for request in artefacts(found, "pcap.request")}
    assert "plaso.kiddaland.net" in hosts
    assert len(artefacts(found, "pcap.handshake")) == 4


def ethernet(inner: bytes, kind: int = 0x0800, tags: int = 0) -> bytes:
    return bytes(12) + b"\x81\0\0\x05" * tags + struct.pack(">H", kind) + inner


HERE, THERE = "192.0.2.1", "198.51.100.2"


def ipv4(protocol: int, contents: bytes, source: str = HERE, target: str = THERE, piece: int = 0) -> bytes:
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(contents), 7, piece, 64, protocol, 0)
    return head + ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed + contents


def ipv6(protocol: int, contents: bytes) -> bytes:
    ends = ipaddress.ip_address("2001:db8::1").packed + ipaddress.ip_address("2001:db8::2").packed
    return struct.pack(">IHBB", 6 << 28, len(contents), protocol, 64) + ends + contents


def udp(payload: bytes, source: int = 40000, target: int = 53) -> bytes:
    return struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload


def tcp(payload: bytes, source: int = 50000, target: int = 80) -> bytes:
    return struct.pack(">HHIIBBHHH", source, target, 0, 0, 0x50, 0x18, 0, 0, 0) + payload


def pcap(frames: list[bytes], link: int = 1, order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    head = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    times = range(1_700_000_000, 1_700_000_000 + len(frames))
    records = (struct.pack(f"{order}4I", at, 5, len(f), len(f)) + f for at, f in zip(times, frames, strict=True))
    return head + b"".join(records)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + length + body + length


def pcapng(frames: list[bytes], order: str = "<", resolution: int = 6) -> bytes:
    made = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    option = struct.pack(f"{order}HHB3x", 9, 1, resolution) + bytes(4)
    made += block(1, struct.pack(f"{order}HHI", 1, 0, 65535) + option, order)
    ticks = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    for number, frame in enumerate(frames):
        when = (1_700_000_000 + number) * ticks + ticks // 2
        head = struct.pack(f"{order}5I", 0, when >> 32, when & 0xFFFFFFFF, len(frame), len(frame))
        made += block(6, head + frame, order)
    return made


FRAMES = [
    ethernet(ipv4(17, udp(b"x", 1000, 2000))),
    ethernet(ipv4(17, udp(b"yy", 2000, 1000), THERE, HERE)),
]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "fraction"), [(0xA1B2C3D4, 5000), (0xA1B23C4D, 5)])
def test_pcap(order: str, magic: int, fraction: int, read: Any) -> None:
    (made,) = read(PARSER, pcap(FRAMES, order=order, magic=magic))
    began = 1_700_000_000 * 10**9 + fraction
    assert made.times == {"began": began, "ended": began + 10**9}
    assert made.fields == {
        "protocol": "UDP",
        "source": "192.0.2.1",
        "source_port": "1000",
        "destination": "198.51.100.2",
        "destination_port": "2000",
        "packets": "2",
        "bytes": "87",
        "packets_sent": "1",
        "bytes_sent": "43",
        "packets_returned": "1",
        "bytes_returned": "44",
    }
    assert made.location.offset == 24


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("resolution", [6, 9, 0x80 | 20])
def test_pcapng(order: str, resolution: int, read: Any) -> None:
    data = pcapng(FRAMES, order, resolution)
    assert parser_for(data[:4096], "x") is PARSER
    (made,) = read(PARSER, data)
    began = 1_700_000_000 * 10**9 + 5 * 10**8
    assert made.times == {"began": began, "ended": began + 10**9}
    assert made.fields["packets"] == "2"


def test_simple_and_obsolete_blocks_and_further_sections(read: Any) -> None:
    frame = FRAMES[0]
    old = block(2, struct.pack("<HHIIII", 0, 0, 0, 7_000_000, len(frame), len(frame)) + frame)
    data = pcapng([]) + block(3, struct.pack("<I", len(frame)) + frame) + old + pcapng(FRAMES, ">")
    (made,) = read(PARSER, data)
    assert made.fields["packets"] == "4"
    assert made.times["began"] == 7 * 10**9


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, ethernet(ipv4(6, tcp(b"")), tags=2)),
        (1, ethernet(ipv6(0, bytes((60, 0)) + bytes(6) + bytes((6, 0)) + bytes(6) + tcp(b"")), 0x86DD)),
        (0, b"\2\0\0\0" + ipv4(6, tcp(b""))),
        (101, ipv4(6, tcp(b""))),
        (113, bytes(14) + b"\x08\0" + ipv4(6, tcp(b""))),
        (276, b"\x08\0" + bytes(18) + ipv4(6, tcp(b""))),
    ],
)
def test_links_and_extension_headers(link: int, frame: bytes, read: Any) -> None:
    (made,) = read(PARSER, pcap([frame], link))
    assert (made.fields["protocol"], made.fields["destination_port"]) == ("TCP", "80")


def test_pieces_and_protocols_without_ports() -> None:
    piece = segment(1, ethernet(ipv4(17, b"abcdefgh", piece=100)))
    assert piece is not None
    assert (piece.protocol, piece.source_port, piece.payload) == ("UDP", 0, b"")
    assert segment(1, ethernet(ipv4(1, b"\x08\0")))[0] == "ICMP"  # type: ignore[index]
    assert segment(1, ethernet(b"\0" * 28, 0x0806)) is None
    assert segment(1, ethernet(ipv4(6, b"\0\1"))) is None


def label(name: str) -> bytes:
    return b"".join(bytes((len(part),)) + part.encode() for part in name.split(".")) + b"\0"


def answer(kind: int, data: bytes) -> bytes:
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def dns(answers: list[bytes], flags: int = 0x8180) -> bytes:
    head = struct.pack(">6H", 0xBEEF, flags, 1, len(answers), 0, 0)
    return head + label("www.example.org") + struct.pack(">HH", 1, 1) + b"".join(answers)


def test_names_asked_for_and_answers() -> None:
    told = dns(
        [
            answer(5, b"\3alt\xc0\x10"),
            answer(1, bytes((192, 0, 2, 9))),
            answer(28, ipaddress.ip_address("2001:db8::9").packed),
            answer(15, b"\0\x0a\4mail\xc0\x10"),
            answer(16, b"\5hello"),
        ]
    )
    assert name_message(told) == {
        "name": "www.example.org",
        "type": "A",
        "direction": "answer",
        "answers": "CNAME alt.example.org; A 192.0.2.9; AAAA 2001:db8::9; MX mail.example.org; TXT hello",
        "code": 0,
        "identifier": "beef",
    }
    asked = name_message(dns([], 0x0100))
    assert asked is not None
    assert (asked["direction"], asked["code"]) == ("query", "")
    assert name_message(dns([b"\xc0\xff" + bytes(10)])) is None  # a pointer that leads forwards
    loop = struct.pack(">6H", 1, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"
    assert name_message(loop) is None


def test_requests_without_their_secrets() -> None:
    request = (
        b"GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nCookie: secret\r\nUser-Agent: x\r\nAuthorization: y\r\n\r\nbody"
    )
    assert web_request(request) == {"method": "GET", "target": "/a?b=c", "host": "example.org", "user_agent": "x"}
    assert web_request(b"GET / HTTP/2.0\r\n") is None


def hello(name: bytes) -> bytes:
    server = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name
    extensions = struct.pack(">HH", 0, len(server)) + server
    extensions += struct.pack(">HHH", 16, 14, 12) + b"\x02h2\x08http/1.1"
    body = b"\3\3" + bytes(32) + b"\0" + struct.pack(">H", 2) + b"\x13\x01" + b"\1\0"
    body += struct.pack(">H", len(extensions)) + extensions
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\3\1" + struct.pack(">H", len(message)) + message


def test_the_name_of_the_server() -> None:
    told = handshake(hello(b"www.example.org"))
    assert told == {"version": "0303", "server_name": "www.example.org", "protocols": "h2, http/1.1"}
    assert handshake(hello(b"x")[:20]) == {"version": "", "incomplete": "true"}
    assert handshake(b"\x17\3\3") is None


def test_what_packets_say_has_their_place(read: Any) -> None:
    frames = [ethernet(ipv4(17, udp(dns([])))), ethernet(ipv4(6, tcp(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")))]
    frames.append(ethernet(ipv4(6, tcp(hello(b"b"), target=443))))
    data = pcap(frames)
    found = read(PARSER, data)
    assert [a.kind for a in found[:3]] == ["pcap.name", "pcap.request", "pcap.handshake"]
    for artefact, frame in zip(found, frames, strict=False):
        assert data[artefact.location.offset :][: artefact.location.length].endswith(frame)


def test_cut_and_lying_captures(corpus: Fetch, read: Any) -> None:
    (problem,) = problems(read(PARSER, corpus("hostile/made/pcap-caplen.pcap").read_bytes()))
    assert "4,294,967,295 bytes, which are not there" in problem
    found = read(PARSER, pcap(FRAMES)[:-3])
    assert artefacts(found, "pcap.conversation")[0].fields["packets"] == "1"
    assert len(problems(found)) == 1
    for wrong in (
        b"\6\0\0\0\x0c\0\0\0\x0c\0\0\0",
        b"\6\0\0\0\3\0\0\0",
        block(6, bytes(4)),
        block(6, b"\7" + bytes(19)),
    ):
        assert len(problems(read(PARSER, pcapng(FRAMES) + wrong))) == 1


def test_other_links_are_named_once(read: Any) -> None:
    found = read(PARSER, pcap([b"x" * 60] * 5, link=105))
    assert [p.reason for p in found] == ["5 packets are of the link type 105, which is not read"]


def test_more_conversations_than_are_kept_in_mind(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_capture, "_CONVERSATIONS_LIMIT", 100)
    data = pcap([ethernet(ipv4(17, udp(b"x", 1000 + n, 9))) for n in range(1000)])
    capture = _Capture(Facts(source(data), PARSER.name, PARSER.version))
    ports = []
    for found in capture.read():
        assert len(capture._open) <= 100
        ports.append(int(found.fields["source_port"]))
    assert ports == list(range(1000, 2000))


SAMPLES = {
    "pcap": pcap([*FRAMES, ethernet(ipv4(17, udp(dns([answer(5, b"\3alt\xc0\x10")]))))]),
    "pcapng": pcapng([*FRAMES, ethernet(ipv4(6, tcp(hello(b"www.example.org"))))]),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_captures_give_values(name: str, read: Any) -> None:
    for copy in damaged(SAMPLES[name], 120):
        read(PARSER, copy)


@given(payload=st.binary(max_size=80), link=st.sampled_from([0, 1, 101, 113, 276]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_packet(payload: bytes, link: int, read: Any) -> None:
    frames = [payload, ethernet(ipv4(17, udp(payload))), ethernet(ipv4(6, tcp(b"\x16\3\1\0\0\1" + payload)))]
    read(PARSER, pcap(frames, link))
