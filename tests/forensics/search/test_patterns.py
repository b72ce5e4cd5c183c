"""What is searched for is checked before anything is read: one clear line each."""

from __future__ import annotations

import json

import pytest

from forensics.search.patterns import PatternError, Patterns

WRONG = [
    ({}, "nothing to search for"),
    ({"words": (" ",)}, "is no word"),
    ({"words": ("x" * 300,)}, "is no word"),
    ({"words": ("Ж",), "encodings": ("windows-1252",)}, "none of the chosen encodings"),
    ({"words": tuple(map(str, range(10_001)))}, "are not searched for at once"),
    ({"regexes": ("a(",)}, "unclosed group"),
    ({"regexes": ("abc\\",)}, "ends in a backslash"),
    ({"regexes": ("(a*)*",)}, "can match empty strings"),
    ({"regexes": ("a/ nocase $b = /b",)}, ""),
    ({"rules": (("r.yar", "rule a {\n condition: $b }"),)}, r"r\.yar does not compile: unknown pattern `\$b`; line 2"),
    ({"rules": (("r.yar", "rule a { x"),)}, "syntax error"),
    ({"rules": (("r.yar", 'include "/etc/passwd"'),)}, "include"),
    ({"rules": (("r.yar", "x" * (17 << 20)),)}, "over 16 MiB"),
]


@pytest.mark.parametrize(("given", "line"), WRONG, ids=str)
def test_what_cannot_be_searched_for(given: dict[str, object], line: str) -> None:
    patterns = Patterns(**given)  # type: ignore[arg-type]
    if not line:
        patterns.validate()  # a slash is a slash: it does not end the expression
        return
    with pytest.raises(PatternError, match=line) as refused:
        patterns.validate()
    assert "\n" not in str(refused.value)
    assert refused.value.advice


def test_the_document_says_all_and_its_digest_names_it() -> None:
    patterns = Patterns(("Žižek",), ("a+b",), (("r.yar", "rule a { condition: true }"),), ("utf-8",), match_case=True)
    value = json.loads(patterns.document())
    assert value["words"] == ["Žižek"]
    assert value["yara"] == [{"name": "r.yar", "source": "rule a { condition: true }"}]
    assert (value["encodings"], value["match_case"], value["regexes"]) == (["utf-8"], True, ["a+b"])
    assert patterns.digest() == Patterns(**{name: getattr(patterns, name) for name in patterns.__slots__}).digest()
    assert patterns.digest() != Patterns(("Zizek",)).digest()
