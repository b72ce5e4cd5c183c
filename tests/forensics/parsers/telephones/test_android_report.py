"""What Android prints of itself: public reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.telephones.android_report import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

FOLDER = "android/mvt/artifacts/android_data/"
PUBLIC = {
    "getprop.txt": {"android.property": 13},
    "dumpsys_packages.txt": {"android.package": 2},
    "bugreport/dumpstate.txt": {"android.service": 4, "android.package": 2},
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_reports(name: str, corpus: Fetch, read: Any) -> None:
    data = corpus(FOLDER + name).read_bytes()
    assert parser_for(data[:4096], name.rpartition("/")[2]) is PARSER
    found = read(PARSER, data)
    assert Counter(item.kind for item in found) == PUBLIC[name]


def test_packages(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(FOLDER + "bugreport/dumpstate.txt").read_bytes()
    found = artefacts(read(PARSER, data, zone="Europe/Belgrade"), "android.package")[1]
    assert (found.fields["package"], found.fields["version"]) == ("com.instagram.android", "241.1.0.18.114")
    assert found.times["updated"] == at("2022-06-29T21:28:51+00:00")
    assert found.clock is Clock.DECLARED


def test_properties(read: Any) -> None:
    date, other = read(PARSER, b"[ro.build.date.utc]: [1709287200]\n[a]: [x]\n")
    assert date.times == {"built": 1_709_287_200 * 10**9}
    assert other.fields == {"name": "a", "value": "x"}


def test_times_that_never_were(read: Any) -> None:
    data = b"  Package [a] (1f):\n    firstInstallTime=2022-02-30 10:00:00\n    versionName=1\nend\n"
    found = read(PARSER, data)
    assert problems(found) == ["there is no day 30 in month 2 of 2022:     firstInstallTime=2022-02-30 10:00:00"]
    assert artefacts(found, "android.package")[0].fields == {"package": "a", "version": "1"}


def test_damaged_reports_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(FOLDER + "bugreport/dumpstate.txt").read_bytes(), 30):
        read(PARSER, data)
