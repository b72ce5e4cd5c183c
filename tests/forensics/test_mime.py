"""What a file is: libmagic's answer, asked with all rules or those that might match, and what is told without it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pylibmagic  # isort: skip - first: it makes the library and rules of its wheel the ones found
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from magic import Magic, MagicException

from forensics.mime import HEAD_BYTES, judge, mime_type
from forensics.mime.candidates import Candidates
from forensics.mime.compiled import REGEX, SEARCH, STRING, Rules, UnknownFormError
from forensics.mime.demands import Head, number_of
from forensics.mime.judge import Judge, readings

COMPILED = Path(str(pylibmagic.data / "magic.mgc")).read_bytes()
RULES = Rules(COMPILED)
CANDIDATES = Candidates(RULES)
WHOLE = Magic(mime=True)
JUDGE = Judge(first=0)
REPOSITORY = Path(__file__).parents[2]

PYTHON = b"import os\n\n\ndef f(a, b):\n    pass\n\n\ndef g(a):\n    pass\n"
TEXTS = [
    PYTHON,
    b"from x import y\ndef f(a):\n",
    b"read%d\t" * 3 + b"0\tchr1\t100\t60\t50M\t*\t0\t0\tACGT\tIIII\tNM:i:0\n",
    b"#\nBEGIN { FS = 1 }\nEND { print }\n",
    *(b"x: .ascii 1\n\t.%b 12\n" % word for word in (b"asciiz", b"globl", b"byte", b"even", b"text", b"file", b"type")),
    b"% a letter\n\\documentclass{letter}\n\\begin{document}\n",
    b"\n\n  <HTML>\n<head><title>x</title>\n",
    b"x\n<script language=x>\n",
    b"a\n<!-- b -->\n",
    b"#!  /usr/bin/python3\n",
    b"#!/usr/bin/env ruby\n",
    b"module A\n  class B\n    def c\n    end\n  end\nend\n",
    b"char *a;\nstruct b { int c; };\n#include <d.h>\n",
    b"xP1\n1 1\n0\n",  # a search through one byte finds it in the second place, too
    b"C     comment\n      PROGRAM A\n",
    b'{"a": [1, 2]}',
    b"a,b,c\n1,2,3\n4,5,6\n",
]
"""Text that rules of many kinds claim, or might."""


def whole(head: bytes) -> str:
    try:
        return str(WHOLE.from_buffer(head))
    except MagicException:
        return ""


@pytest.mark.parametrize("head", TEXTS)
def test_the_answer_for_text_is_that_of_all_rules(head: bytes) -> None:
    assert JUDGE.type(head) == whole(head)


WORDS = [
    *(b"import a;", b"class B", b"package", b"{", b"}", b"\n", b" ", b"\t", b"# ", b"// ", b"dnl", b"def f():", b"def"),
    *(b"BEGI", b".tex", b"\\", b"<", b"<p>", b"<!", b"\\b", b".file", b"BEGIN {", b"12:30:00", b"all:", b"1,2,3\n"),
    *(b"\x00", b"\xc3\xa9", b"\xff\xfe", b"#!/bin/sh\n", b"[a]\nb=1\n", b"From x\n", b".TH A 1\n", b"P1\n", b"%"),
    *(b"module X", b"(self):", b"require 'a'", b"end", b"char", b";", b"\n#", b"==", b"=head1 ", b"import os", b"'''"),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=40).map(b"".join))
def test_the_answer_is_that_of_all_rules(head: bytes) -> None:
    assert JUDGE.type(head) == whole(head)


def _texts() -> Iterator[bytes]:
    for group in RULES.groups:
        for rule in RULES.group(group):
            if rule.kind in (STRING, SEARCH):
                yield rule.text
            elif rule.kind == REGEX:
                yield rule.value.partition(b"\0")[0]


def test_the_answer_is_that_of_all_rules_for_what_rules_look_for() -> None:
    rng = random.Random(11)
    texts = list(_texts())
    files = [path for path in sorted(REPOSITORY.glob("[!.]*/**/*")) if path.is_file()]
    heads = [path.read_bytes()[:HEAD_BYTES] for path in rng.sample(files, 60)]
    for _ in range(600):
        head = rng.choice(heads)
        at = rng.choice((0, rng.randrange(len(head) + 1)))
        parts = [rng.choice(texts) + rng.choice((b"", b"\n", b" ", b"\0")) for _ in range(rng.randrange(1, 4))]
        mixed = (head[:at] + b"".join(parts) + head[at:])[: rng.choice((20, 200, HEAD_BYTES))]
        assert JUDGE.type(mixed) == whole(mixed), mixed


def test_every_rule_for_a_place_is_a_candidate_for_what_stands_there() -> None:
    asked = 0
    for group in RULES.groups:
        rule = RULES.rule(group)
        number = number_of(rule)
        if rule.relation != "=" or rule.offset > HEAD_BYTES - 200 or not rule.speaks or not rule.stands_at():
            continue
        if number is not None and number.value & ~number.mask == 0:
            value = number.bytes
        elif rule.kind == STRING:
            value = rule.text
        else:
            continue
        head = (bytes(rule.offset) + value).ljust(rule.offset + 200, b" ")
        assert group in CANDIDATES.of(head) | CANDIDATES.always, (group, value)
        asked += 1
    assert asked > 1500


def test_the_answer_is_that_of_all_rules_for_files_of_this_repository() -> None:
    paths = sorted(path for path in REPOSITORY.glob("[!.]*/**/*") if path.is_file())
    for path in paths[:: max(1, len(paths) // 150)]:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        assert JUDGE.type(head) == whole(head), path


def test_few_rules_are_left_for_plain_text() -> None:
    plain = b"Dear Ada,\n\nthe disk is in the safe.\n" * 40
    assert not CANDIDATES.of(plain)
    assert len(CANDIDATES.always) < 50
    assert readings(plain) == [plain]


def test_a_rule_that_can_only_say_the_same_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Judge(first=0)
    groups = CANDIDATES.of(TEXTS[1])
    dear = groups & CANDIDATES.dear.keys()
    assert {CANDIDATES.dear[group] for group in dear} == {"text/x-script.python"}
    made: list[frozenset[int]] = []
    part = asked._part
    monkeypatch.setattr(asked, "_part", lambda known, chosen: made.append(chosen) or part(known, chosen))
    assert asked.type(TEXTS[1]) == whole(TEXTS[1]) == "text/x-script.python"
    assert made == [groups - dear]
    assert asked.type(PYTHON) == whole(PYTHON)
    assert CANDIDATES.of(PYTHON) in made, "what is left says something else: then all that might match are asked"


@pytest.mark.parametrize(
    "text",
    [
        "import a\n".encode("utf-16"),
        "import a\n".encode("utf-32"),
        "import a\n".encode("cp500"),
        b"+/v8-import\n",
        b"\xff\xfea\0",
    ],
)
def test_text_whose_conversion_is_not_followed_is_asked_of_all_rules(text: bytes) -> None:
    assert readings(text) is readings(text + b"\0" * 3) is None
    assert JUDGE.type(text) == whole(text)


@pytest.mark.parametrize(
    ("head", "converted"),
    [
        ("é import".encode("latin-1"), ["é import".encode()]),
        ("é x".encode("latin-1") + b"\0\0", ["é x".encode()]),
        ("\ufeffimport os\n".encode(), [b"import os\n"]),
        ("é import".encode(), []),
        ("import ü".encode()[:-1], []),
        (b"\xe9 \0 import", []),
    ],
)
def test_rules_are_tried_on_text_as_libmagic_converts_it(head: bytes, converted: list[bytes]) -> None:
    assert readings(head) == [head, *converted]
    assert JUDGE.type(head) == whole(head)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8-sig"])
def test_what_rules_look_for_is_found_in_converted_text(encoding: str) -> None:
    for text in TEXTS:
        for more in ("# é\n", "é"):
            for head in ((text.decode() + more).encode(encoding), (more + text.decode()).encode(encoding)):
                assert JUDGE.type(head) == whole(head), head


def test_the_first_files_are_judged_by_all_rules() -> None:
    few = Judge(first=2)
    assert [few.type(PYTHON) for _ in range(2)] == [whole(PYTHON)] * 2
    assert "_candidates" not in vars(few)
    assert few.type(PYTHON) == whole(PYTHON)
    assert "_candidates" in vars(few)


@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_files_of_a_few_bytes(size: int) -> None:
    for byte in (b"\0", b"[", b"\xff", b"#"):
        assert JUDGE.type(byte * size) == whole(byte * size)


@pytest.mark.parametrize(
    "signature", [b"\x1f\x8b\x08\x08", b"\x1f\x8b\x08\x00", b"\xde\x12\x04\x95\0\0\0\0", b"\x95\x04\x12\xde\0\0\0\0"]
)
def test_a_signature_is_told_as_libmagic_tells_it(signature: bytes) -> None:
    rng = random.Random(5)
    for size in (16, 40, 300, 4000):
        head = signature + rng.randbytes(size)
        assert mime_type(head) == whole(head) != "application/octet-stream"


@pytest.mark.parametrize("version", [b"\xa7", b"\xcb"])
@pytest.mark.parametrize("flags", range(4))
def test_byte_code_that_libmagic_does_not_know_is_not_asked_of_it(version: bytes, flags: int) -> None:
    rng = random.Random(7)
    for size in (8, 40, 300, 4000):
        head = version + b"\r\r\n" + flags.to_bytes(4, "little") + rng.randbytes(size)
        assert mime_type(head) == whole(head) == "application/octet-stream"


@pytest.mark.parametrize("head", [b"\x1f\x8b", b"\x1f\x8b\x08", b"\x1f\x8b\x07\0abc", b"\xde\x12\x04\x95\1\2\3\4"])
def test_what_only_begins_like_a_signature_is_libmagic_s(head: bytes) -> None:
    assert mime_type(head) == whole(head)


@pytest.mark.parametrize(
    "compiled", [b"", COMPILED[:-1], COMPILED[:4] + b"\x11" + COMPILED[5:], COMPILED[: -2 * 376]], ids=len
)
def test_rules_in_another_form_are_asked_all(compiled: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownFormError):
        Rules(compiled)
    monkeypatch.setattr(judge, "installed_rules", lambda: None)
    assert Judge(first=0).type(PYTHON) == whole(PYTHON)


def test_a_part_of_the_rules_has_what_it_uses_and_asks_no_others() -> None:
    asking = [group for group in RULES.groups if RULES.only([group]) is None]
    assert 10 < len(asking) < 40
    assert RULES.only(asking) is None
    everything = RULES.only(set(RULES.groups) - set(asking))
    assert everything is not None
    assert len(everything) < len(COMPILED)
    assert Rules(everything).groups[:3] == RULES.groups[:3]


def test_a_number_is_compared_as_libmagic_compares_it() -> None:
    rule = next(
        RULES.rule(group)
        for group in RULES.groups
        if RULES.rule(group).relation == "<" and number_of(RULES.rule(group))
    )
    number = number_of(rule)
    assert number is not None
    test = number.test()
    small = (number.value - 1).to_bytes(number.width, number.order)
    assert test(Head(bytes(number.offset) + small + bytes(8), number.offset + number.width))
    assert not test(Head(bytes(number.offset) + number.bytes + bytes(8), number.offset + number.width))
    assert not test(Head(bytes(number.offset) + small + bytes(8), number.offset + number.width - 1)), "not all there"
