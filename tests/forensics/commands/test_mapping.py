"""`evikit ingest --mapping`: recorded, kept, part of what a run depends on."""

from __future__ import annotations

import hashlib

import pytest

from tests.console import Lab

MAPPING = """
[[log]]
files = ["vpn*.csv"]
format = "csv"
label = "vpn"
[log.time]
column = "start"
[log.fields]
user = "who"
"""
ROWS = b"start,who\n2026-03-10T08:15:00Z,ana\nnever,bora\n"


def mapping(lab: Lab, text: str = MAPPING) -> str:
    path = lab.folder / "mapping.toml"
    path.write_text(text)
    return str(path)


def test_a_log_is_read_as_the_mapping_says_and_the_mapping_is_kept(lab: Lab) -> None:
    log, told = lab.put("vpn-2026.csv", ROWS), mapping(lab)
    taken = lab.run("ingest", log, "--exhibit", "AH/1", "--purpose", "read the log", "--mapping", told, "--json")
    assert taken.code == 4, taken
    assert (taken.json["artefacts"], taken.json["problems"]) == (1, 1)
    (row,) = lab.run("artefacts", "--json").lines
    assert (row["kind"], row["fields"]["user"], row["fields"]["log"]) == ("csv.row", "ana", "vpn")
    (event,) = [line for line in lab.run("timeline", "--json").lines if line["kind"] == "csv.row"]
    assert (event["meaning"], event["at"]) == ("row logged", "2026-03-10T08:15:00.000000000Z")
    digest = hashlib.sha256(MAPPING.encode()).hexdigest()
    assert (lab.case / "receipts" / "attachments" / digest).read_text() == MAPPING
    (run,) = (lab.case / "derived").iterdir()
    assert digest in (run / "manifest.json").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [("not toml [", "not TOML"), (MAPPING.replace('csv"', 'xml"', 2), "no format"), ("\0", "cannot be used")],
)
def test_a_mapping_that_cannot_be_used_is_refused_before_anything_is_read(lab: Lab, text: str, said: str) -> None:
    before = lab.log()
    words = ["ingest", lab.put("vpn.csv", ROWS), "--exhibit", "AH/1", "--purpose", "x"]
    lab.run(*words, "--mapping", mapping(lab, text)).refused(1, said)
    lab.run(*words, "--mapping", lab.folder / "absent.toml").refused(1, "cannot be read")
    assert lab.log() == before
