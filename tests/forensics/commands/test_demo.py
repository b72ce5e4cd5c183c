"""`evikit demo`: the main job end to end, as typed."""

from __future__ import annotations

import shutil
from pathlib import Path
from unittest import mock

from forensics.commands import demo
from tests.console import Lab


def test_the_main_job_from_first_to_last(empty_lab: Lab) -> None:
    folder = empty_lab.folder / "demo"
    told = empty_lab.run("demo", folder, "--json", EVIKIT_CASE=None, EVIKIT_HOME=None, EVIKIT_PASSPHRASE=None)
    assert told.code == 0, told
    for command in ("init", "ingest", "verify --all", "report", "ledger verify", "bundle verify"):
        assert f"\n$ evikit {command}" in told.err
    assert told.err.count("MATCH: the media are those of the ledger") == 4
    assert "INTEGRITY  INTACT\n" in told.err  # the bundle, against the fingerprint
    assert Path(told.json["report"]).is_file()
    on = {"EVIKIT_HOME": told.json["keys"], "EVIKIT_CASE": told.json["case"], "EVIKIT_PASSPHRASE": demo.PASSPHRASE}
    assert len({line["exhibit"] for line in empty_lab.run("timeline", "--json", **on).lines}) == 4
    assert empty_lab.run("note", "one may go on", **on).code == 0
    again = empty_lab.run("demo", folder)
    again.refused(1, "exists already", "Name a folder that does not exist")
    shutil.rmtree(folder)


def test_without_the_samples(empty_lab: Lab) -> None:
    with mock.patch.object(demo, "files", return_value=empty_lab.folder / "nowhere"):
        empty_lab.run("demo", empty_lab.folder / "demo").refused(1, "the sample case is not installed", "wheel")
