"""CASE/UCO: valid by case-utils without a warning, the same for the same record, hostile strings as strings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from custody.report.exports import Material, case
from custody.report.model import Cover
from tests.custody.report.lab import HOSTILE, MEDIUM, Lab, disk_findings, shown


def made(lab: Lab) -> bytes:
    return b"".join(case.make(Material(shown(lab, None, disk_findings()).report(Cover("b", recipient=HOSTILE)))))


def nodes(data: bytes, kind: str) -> list[dict[str, Any]]:
    return [node for node in json.loads(data)["@graph"] if node["@type"].endswith(kind)]


def test_case_validate_finds_nothing_not_even_a_warning(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / case.FILE
    file.write_bytes(made(lab))
    program = Path(sys.executable).with_name("case_validate")
    told = subprocess.run([program, file], capture_output=True, text=True, check=False, timeout=300)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Conforms: True" in told.stdout
    assert "Warning" not in told.stdout + told.stderr, told


def test_it_says_what_the_report_says(lab: Lab) -> None:
    data = made(lab)
    assert made(lab) == data
    assert [node["case-investigation:exhibitNumber"] for node in nodes(data, "ProvenanceRecord")] == ["AH/1", "AH/2"]
    values = {node["uco-types:hashValue"]["@value"] for node in nodes(data, "Hash")}
    assert values >= set(MEDIUM.values())
    actions = nodes(data, "InvestigativeAction")
    began = next(node for node in actions if "Entry 2" in node["uco-core:description"])
    assert began["uco-action:startTime"]["@value"] == "2023-11-14T22:13:23Z"
    assert "Purpose: Find the ledger of payments (order 12/23)" in began["uco-core:description"]
    assert len(nodes(data, "Investigation")) == 1
    assert any("{purpose}" in text for node in actions for text in node["uco-core:description"])
