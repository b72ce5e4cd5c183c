"""References and digests as people write them. What needs a case stands in test_case.py."""

from __future__ import annotations

import pytest

from custody.exhibits import Digest, parse_digest, validate_ref
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError
from custody.opened import text


@pytest.mark.parametrize("ref", ["AH/1", "Ë-3", "предмет 7", "x" * 64])
def test_references_as_written_on_labels(ref: str) -> None:
    assert validate_ref(ref) == ref


@pytest.mark.parametrize("ref", ["", " AH/1", "AH/1 ", "A\nH", "A\tH", "\x1b[31m", "\udcff", "x" * 65, "A\u2028H"])
def test_other_references_are_refused(ref: str) -> None:
    with pytest.raises(CustodyError, match="no exhibit reference") as caught:
        validate_ref(ref)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("given", "digest"),
    [
        ("md5:" + "Ab" * 16, Digest("md5", "ab" * 16)),
        ("SHA-256:" + "0" * 64, Digest("sha256", "0" * 64)),
        ("sha1:" + "f" * 40, Digest("sha1", "f" * 40)),
        ("sha512:" + "1" * 128, Digest("sha512", "1" * 128)),
    ],
)
def test_digests_of_a_hand_over_slip(given: str, digest: Digest) -> None:
    assert parse_digest(given) == digest


@pytest.mark.parametrize(
    "given",
    ["", "md5", "md5:", "ab" * 16, "md5:" + "ab" * 15, "md5:" + "ag" * 16, "crc:" + "ab" * 16, "md5:" + "٣" * 32],
)
def test_other_digests_are_refused(given: str) -> None:
    with pytest.raises(CustodyError, match="is no digest"):
        parse_digest(given)


def test_only_text_is_text() -> None:
    values: list[Json] = ["a", None, True, ["a"], {"a": "b"}]
    assert [text(value) for value in values] == ["a", "", "", "", ""]


def test_a_digest_is_never_a_bare_string() -> None:
    assert Digest("sha256", "00ff").text == "sha256:00ff"
