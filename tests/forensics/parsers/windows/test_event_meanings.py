"""What Windows events mean, in words: only where provider and number are both known."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from forensics.parsers.windows._event_meanings import MEANINGS, meaning
from forensics.parsers.windows.event_log import PARSER
from tests.forensics.parsers.found import artefacts

SECURITY = "Microsoft-Windows-Security-Auditing"
# file of the corpus in which one provider alone wrote the events of this number; the words
KNOWN = [
    ("evtx/evtx/new-user-security.evtx", "4720", "user account created"),
    ("evtx/evtx/sysmon.evtx", "1", "process created"),
    ("evtx/plaso/evtx/System2.evtx", "4624", "log-on"),
    ("evtx/plaso/evtx/System2.evtx", "4672", "special privileges assigned to a new log-on"),
    ("evtx/plaso/evtx/System2.evtx", "1100", "event logging shut down"),
    (
        "evtx/EVTX-ATTACK-SAMPLES/Defense Evasion/DE_suspicious_remote_eventlog_svc_access_5145.evtx",
        "1102",
        "security log cleared",
    ),
]


@pytest.mark.parametrize(("name", "number", "words"), KNOWN)
def test_as_many_events_have_a_meaning_as_another_tool_counts(
    name: str, number: str, words: str, corpus: Any, read: Any
) -> None:
    oracle = json.loads(corpus(f"oracles/artefact/{name.replace('/', '__')}.json").read_text())["evtx_rs"]
    found = artefacts(read(PARSER, corpus(name).read_bytes()), "evtx.record")
    said = Counter(
        (event.fields["event_id"], event.fields["meaning"]) for event in found if event.fields.get("meaning") == words
    )
    assert said == {(number, words): oracle["event_ids"][number]}


@pytest.mark.parametrize(
    ("provider", "number", "words"),
    [
        (SECURITY, "4624", "log-on"),
        (SECURITY, "4625", "log-on failed"),
        ("Microsoft-Windows-Eventlog", "1102", "security log cleared"),
        ("Service Control Manager", "7045", "service installed"),
        ("Microsoft-Windows-PowerShell", "4104", "PowerShell script block"),
        ("Microsoft-Windows-Windows Defender", "1116", "malware detected"),
        (SECURITY, "4741", "computer account created"),
    ],
)
def test_provider_and_number_make_the_meaning(provider: str, number: str, words: str) -> None:
    assert meaning({"provider": provider, "event_id": number}) == {"meaning": words}


def test_the_same_number_of_another_provider_is_not_guessed() -> None:
    assert meaning({"provider": "Microsoft-Windows-TerminalServices-ClientActiveXCore", "event_id": "1102"}) == {}
    assert meaning({"provider": "Application", "event_id": "4624"}) == {}
    assert meaning({"event_id": "4624"}) == meaning({"provider": SECURITY}) == {}


def test_the_type_of_a_log_on_only_where_windows_states_it() -> None:
    fields = {"provider": SECURITY, "event_id": "4624", "data.LogonType": "10"}
    assert meaning(fields) == {"meaning": "log-on", "logon": "remote interactive"}
    assert "logon" not in meaning(fields | {"data.LogonType": "99"})
    assert "logon" not in meaning(fields | {"provider": "Application"})


def test_numbers_are_numbers_and_words_are_said() -> None:
    for events in MEANINGS.values():
        assert all(number.isdecimal() and words.strip() == words != "" for number, words in events.items())
