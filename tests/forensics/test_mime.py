"""What a file is: libmagic's answer, whole or shortened, and the signatures that are told without it."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pylibmagic  # isort: skip - first: it makes the library and rules of its wheel the ones found
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from magic import Magic, MagicException

from forensics.mime import HEAD_BYTES, mime_type
from forensics.mime_rules import LEFT_OUT, shortened, without

COMPILED = Path(str(pylibmagic.data / "magic.mgc")).read_bytes()
WHOLE = Magic(mime=True)
SHORT = shortened()
REPOSITORY = Path(__file__).parents[2]

DIRECTIVES = ("asciiz", "globl", "byte", "even", "text", "file", "type")
MATCHING = {
    "sam": b"read%d\t" * 3 + b"0\tchr1\t100\t60\t50M\t*\t0\t0\tACGT\tIIII\tNM:i:0\n",
    "awk": b"#\nBEGIN { FS = 1 }\nEND { print }\n",
    **{word: b"x: .ascii 1\n\t.%b 12\n" % word.encode() for word in DIRECTIVES},
    "latex": b"% a letter\n\\documentclass{letter}\n\\begin{document}\n",
    "html": b"\n\n  <HTML>\n<head><title>x</title>\n",
    "script": b"x\n<script language=x>\n",
    "comment": b"a\n<!-- b -->\n",
}
"""Text that a rule of a family claims, or might."""


def whole(head: bytes) -> str:
    try:
        return WHOLE.from_buffer(head)
    except MagicException:
        return ""


def test_both_families_are_left_out_of_the_rules_that_are_installed() -> None:
    assert [family for family, _ in SHORT] == list(LEFT_OUT)
    sizes = [len(without(COMPILED, family.has) or b"") for family in LEFT_OUT]
    assert sizes == [len(COMPILED) - 376 * rules for rules in (69, 21)]


@pytest.mark.parametrize("name", MATCHING)
def test_what_a_left_out_rule_might_claim_is_asked_of_all_rules(name: str) -> None:
    head = MATCHING[name]
    assert LEFT_OUT[0].possible(head)
    assert LEFT_OUT[1].possible(head) or name in ("latex", "html", "script", "comment")
    assert mime_type(head) == whole(head)


def test_a_shortened_set_would_answer_otherwise_if_it_were_asked_wrongly() -> None:
    answers = {name: [quick.from_buffer(head) for _, quick in SHORT] for name, head in MATCHING.items()}
    assert any(answers[name][0] != whole(head) for name, head in MATCHING.items())
    assert any(answers[name][1] != whole(head) for name, head in MATCHING.items())


WORDS = [
    *(b"import a;", b"class B", b"package", b"{", b"}", b"\n", b" ", b"\t", b"# ", b"// ", b"dnl", b"def f():"),
    *(b"BEGI", b".tex", b"\\", b"<", b"<p>", b"<!", b"\\b", b".file", b"BEGIN {", b"12:30:00", b"all:", b"1,2,3\n"),
    *(b"\x00", b"\xc3\xa9", b"\xff\xfe", b"#!/bin/sh\n", b"[a]\nb=1\n", b"From x\n", b".TH A 1\n", b"P1\n", b"%"),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=40).map(b"".join))
def test_the_answer_is_that_of_all_rules(head: bytes) -> None:
    assert mime_type(head) == whole(head)


def test_the_answer_is_that_of_all_rules_for_files_of_this_repository() -> None:
    paths = sorted(path for path in REPOSITORY.glob("[!.]*/**/*") if path.is_file())
    for path in paths[:: max(1, len(paths) // 150)]:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        assert mime_type(head) == whole(head), path


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


def test_nothing_is_left_out_of_rules_in_another_form() -> None:
    has = LEFT_OUT[0].has
    assert without(b"", has) is None
    assert without(COMPILED[:-1], has) is None
    assert without(COMPILED[:4] + b"\x11" + COMPILED[5:], has) is None
    assert without(COMPILED[: -2 * 376], has) is None
    assert without(COMPILED, lambda kind, value: False) is None


def test_a_rule_for_what_is_not_there_is_never_left_out() -> None:
    negated = re.compile(rb"(?s)\0\0.{2}!")
    rules = [COMPILED[at : at + 376] for at in range(376, len(COMPILED), 376)]
    count = sum(1 for rule in rules if negated.match(rule))
    kept = without(COMPILED, lambda kind, value: True) or b""
    left = [kept[at : at + 376] for at in range(376, len(kept), 376)]
    assert count == sum(1 for rule in left if negated.match(rule)) > 0
