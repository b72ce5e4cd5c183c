"""Collections in one file as exhibits: taken in, verified, extracted from, and what is wrong with them recorded."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from tests.console import ACCESS, AUTH, Lab
from tests.forensics.commands.test_acquire import entry
from tests.forensics.images import fat12
from tests.forensics.test_archive_aff4_logical import LOG, file, made

WHY = ("--purpose", "look inside", "--json")


def collection(lab: Lab) -> Path:
    """Logs and an image, in a zip archive."""
    path = lab.evidence / "collection.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"var/log/auth.log": AUTH, "access.log": ACCESS, "disk.raw": fat12()}.items():
            archive.writestr(name, content)
    return path


def test_a_zip_archive_of_logs_and_an_image(lab: Lab) -> None:
    path = collection(lab)
    whole = hashlib.sha256(path.read_bytes()).hexdigest()
    slip = ("--expect", f"sha256:{whole}", "--zone", "Europe/Belgrade")
    told = lab.run("ingest", path, "--exhibit", "AH/1", *slip, *WHY)
    assert told.code == 0, told
    said = told.json
    assert (said["media"]["format"], said["media"]["sha256"], said["files"]) == ("zip", whole, 3)
    assert said["artefacts"] == 3
    assert said["container"] == [{"name": "collection.zip", "size": str(path.stat().st_size), "sha256": whole}]
    rows = {row["path"]: row for row in lab.run("files", "--json").lines}
    assert rows["var/log/auth.log"]["sha256"] == hashlib.sha256(AUTH).hexdigest()
    assert {row["clock"] for row in rows.values()} == {"declared"}
    assert lab.run("verify", "AH/1").code == 0
    out = lab.run("extract", "AH/1", "access.log", *WHY)
    assert out.code == 0, out
    assert Path(out.json["file"]).read_bytes() == ACCESS
    found = lab.run("search", "AH/1", "--word", "kit_fatura", *WHY)
    assert (found.code, found.json["hits"]) == (0, 1), found
    assert lab.run("hits", "--json").lines[0]["path"] == "access.log"
    inner = lab.run("ingest", "AH/1:disk.raw", *WHY)
    assert inner.code == 0, inner
    assert inner.json["media"]["sha256"] == hashlib.sha256(fat12()).hexdigest()
    assert not list((lab.case / "derived").glob("*/parts"))


def test_an_archive_that_is_cut(lab: Lab) -> None:
    """It is a file then: digested, and what is left of it listed."""
    path = collection(lab)
    path.write_bytes(path.read_bytes()[:-40])
    told = lab.run("ingest", path, "--exhibit", "AH/1", *WHY)
    assert (told.code, told.json["media"]["format"], told.json["artefacts"]) == (4, "file", 3)
    assert entry(lab, "access.end")["outcome"] == "completed"


def test_a_container_whose_stored_digest_lies(lab: Lab) -> None:
    made(lab.evidence, file("a.log", LOG), **{"a.log": LOG[::-1]})
    told = lab.run("ingest", lab.evidence / "c.aff4", "--exhibit", "AH/1", *WHY)
    assert told.code == 3, told
    assert "a.log: the container's stored sha256" in told.json["mismatches"][0]
    assert entry(lab, "access.end")["match"] is False


def test_problems_of_members_are_recorded(lab: Lab) -> None:
    path = lab.evidence / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../up", AUTH)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # as if encrypted
    path.write_bytes(data)
    told = lab.run("ingest", path, "--exhibit", "AH/1", "--purpose", "look inside")
    assert told.code == 4, told
    assert "it is encrypted" in told.err
    assert "would lead out" in told.err
