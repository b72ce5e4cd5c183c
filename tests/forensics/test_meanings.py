"""Meanings and messages stand for kinds of artefacts that a parser gives, and for no others."""

from __future__ import annotations

from forensics.meanings import ARTEFACT_MEANINGS
from forensics.messages import MESSAGES
from forensics.parsers import PARSERS

KINDS = {kind for parser in PARSERS for kind in parser.kinds}


def test_every_meaning_and_message_is_of_a_kind_that_is_given() -> None:
    assert {kind for kind, _ in ARTEFACT_MEANINGS} - KINDS == set()
    assert set(MESSAGES) - KINDS == set()


def test_what_windows_keeps_has_a_message_of_one_line() -> None:
    pieces, rest = MESSAGES["firewall.record"]
    fields = {
        "action": "DROP", "protocol": "TCP", "source": "192.0.2.1", "source_port": "1", "destination": "192.0.2.2",
        "destination_port": "2",
    }  # fmt: skip
    said = "".join(f"{before}{fields[field]}{after}" for before, field, after in pieces if fields.get(field))
    assert (said, rest) == ("DROP TCP 192.0.2.1:1 -> 192.0.2.2:2", "")
