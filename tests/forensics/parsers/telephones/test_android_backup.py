"""Android backups: the public one, encrypted ones, archives that are not whole."""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers.telephones.android_backup import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "android/mvt/artifacts/android_backup/backup.ab"
HEAD = b"ANDROID BACKUP\n5\n%d\n%s\n"


def test_the_public_backup(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data, "x") is PARSER
    found = read(PARSER, data)
    assert Counter(item.kind for item in found) == {
        **{"android.backup": 1, "android.backup_file": 5, "android.backup_message": 2},
    }
    mms, sms = artefacts(found, "android.backup_message")
    assert sms.fields["text"] == "Hi this is a test message to https://google.com/"
    assert (sms.fields["address"], sms.fields["direction"]) == ("06543219", "queued")
    assert sms.times == {"dated": at("2022-02-22T15:29:41.956000+00:00")}
    assert mms.times["dated"] == at("2020-01-20T14:49:49+00:00")
    assert mms.fields["parties"] == "+12345678; +23456789"


def made(*names: str, deflated: bool = True, form: int = tarfile.GNU_FORMAT) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=form) as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = 700, 1_709_287_200
            archive.addfile(member, io.BytesIO(b"x" * 700))
    data = held.getvalue()
    return HEAD % (deflated, b"none") + (zlib.compress(data) if deflated else data)


@pytest.mark.parametrize("deflated", [True, False])
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_members_with_long_names(deflated: bool, form: int, read: Any) -> None:
    long = "apps/" + "a" * 90 + "/" + "b" * 60 + "/f"
    found = artefacts(read(PARSER, made(long, "apps/b", deflated=deflated, form=form)), "android.backup_file")
    assert [(item.fields["path"], item.fields["size"]) for item in found] == [(long, "700"), ("apps/b", "700")]
    assert found[1].times == {"modified": 1_709_287_200 * 10**9}


def test_what_cannot_be_read(read: Any) -> None:
    encrypted = read(PARSER, HEAD % (1, b"AES-256") + b"\xff" * 300)
    assert problems(encrypted) == ["the backup is encrypted (AES-256): nothing inside is read"]
    assert problems(read(PARSER, HEAD % (1, b"none") + b"\xff" * 300))[0].startswith("the archive cannot be inflated")
    broken = HEAD % (0, b"none") + b"x" * 600
    assert problems(read(PARSER, broken)) == ["a member of the archive has no whole head; the rest is not read"]
    assert problems(read(PARSER, b"other")) == ["not the head of an Android backup"]


def test_an_archive_that_has_no_end_is_left(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.parsers.telephones.android_backup._UNPACKED_LIMIT", 1 << 20)
    member = tarfile.TarInfo("a")
    member.size = 1 << 32
    bomb = HEAD % (1, b"none") + zlib.compress(member.tobuf() + bytes(8 << 20))
    assert problems(read(PARSER, bomb)) == ["more than 1,048,576 bytes are in the archive"]


def test_messages_that_are_none(read: Any) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for number, data in enumerate((b"x", zlib.compress(b"{"), zlib.compress(json.dumps([5, {}]).encode()))):
            member = tarfile.TarInfo(f"apps/com.android.providers.telephony/d_f/00000{number}_sms_backup")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    found = read(PARSER, HEAD % (0, b"none") + held.getvalue())
    assert len(problems(found)) == 2
    assert artefacts(found, "android.backup_message")[0].fields == {"form": "sms"}


def test_damaged_backups_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(PUBLIC).read_bytes(), 90):
        read(PARSER, data)
    for data in damaged(made("a", "b", deflated=False), 30):
        read(PARSER, data)
