"""HA: digests."""

from __future__ import annotations

import pytest

from tests.custody.handling.told import BORA, FILE, MEDIA, Step, Told

OTHER = {"md5": "b" * 32, "sha256": "6" * 64}


def test_media_that_differ_and_work_that_went_on() -> None:
    told = Told()
    told["verified"].values.update(match=False, computed=OTHER)
    assert told.found() == {("HA-01", "serious", "AH/2")}
    told["read"].values.update(match=False, computed=OTHER, media_digests=OTHER)
    begin = Step(
        "more", "access.begin", BORA, 205, 2, {"purpose": "Read the mails", "object": "file a", "settings": {}}
    )
    told.after("verified", begin, Step("more end", "access.end", BORA, 206, 2, {"outcome": "completed"}, ["more"]))
    assert any("work went on in entry" in item.explanation for item in told.findings() if item.code == "HA-01")


def test_two_readings_that_nobody_compared() -> None:
    told = Told()
    told["read"].values.update(match=None, expected=None)
    told["verified"].values.update(match=None, expected=None, computed=OTHER)
    assert ("HA-01", "serious", "AH/2") in told.found()


def test_the_receiver_read_other_media() -> None:
    told = Told()
    told["offer"].values["digest"] = MEDIA
    told["accept"].values["digest"] = OTHER
    assert ("HA-01", "serious", "AH/1") in told.found()
    told["accept"].values["digest"] = MEDIA
    assert told.found() == set()


def test_the_digest_stands_in_the_container_alone() -> None:
    told = Told().drop("verifying", "verified")
    told["read"].values.update(media_digests=None, computed=None, match=None, basis="chunks",
                               expected={"container": {"md5": "a" * 32}})  # fmt: skip
    assert ("HA-02", "serious", "AH/2") in told.found()


@pytest.mark.parametrize("digests", [{"md5": "a" * 32}, {"sha1": "a" * 40}, {"sha256": "5" * 63}, "5" * 64])
def test_weak_short_or_nameless_digests(digests: object) -> None:
    told = Told()
    told["read"].values.update(media_digests=digests, computed=digests, match=True, expected=None)
    told["verified"].values.update(computed=digests, expected=None)
    assert ("HA-03", "lesser", "AH/2") in told.found()


def test_taken_over_unread() -> None:
    told = Told()
    told["offer"].values["digest"] = MEDIA
    assert told.found() == {("HA-04", "lesser", "AH/1")}


def test_nothing_to_compare_with_at_intake_is_a_notice() -> None:
    told = Told()
    told["read"].values.update(match=None, expected=None)
    assert told.found() == {("HA-04", "notice", "AH/2")}


def test_not_verified_for_long() -> None:
    told = Told().after("returned", Step("late", "note", BORA, 91 * 1440, 2, {"kind": "observation", "text": "x"}))
    assert told.found() == {("HA-04", "lesser", "AH/2"), ("CH-05", "lesser", "")}
    told = Told().drop("returned")
    told["made"].minute, told["report"].minute = 91 * 1440, 91 * 1440 + 1
    assert ("HA-04", "lesser", "AH/2") in told.found()


def test_the_digest_of_the_file_held_against_the_medium() -> None:
    told = Told()
    told["read"].values.update(match=False, expected={"slip": {"sha256": FILE}})
    assert told.found() == {("HA-05", "serious", "AH/2")}


@pytest.mark.parametrize(
    "values",
    [
        {"parts": [{"name": "a.E01"}, {"name": "a.E03"}]},
        {"error": "segment missing: a.E02", "outcome": "failed"},
        {"read_bytes": "500107862016"},
    ],
)
def test_not_the_whole_medium(values: dict[str, object]) -> None:
    told = Told()
    told["read"].values.update(values)
    assert ("HA-06", "serious", "AH/2") in told.found()


def test_other_bytes_than_stated() -> None:
    told = Told()
    told["image"].values["size"] = "1000204886015"
    assert told.found() == {("HA-06", "serious", "AH/2")}


def test_checksums_in_the_container() -> None:
    told = Told()
    told["read"].values.update(outcome="partial", error="the checksum of chunk 7 does not fit")
    assert ("HA-07", "serious", "AH/2") in told.found()


@pytest.mark.parametrize("listed", ["", "7-9"])
def test_read_errors_not_told_as_they_were(listed: str) -> None:
    told = Told()
    told["copied"].values.update(
        outcome="partial", basis="chunks", error="4 sectors could not be read and are filled with zeros in the images",
        header=[{"name": "unreadable_sectors", "value": listed}],
    )  # fmt: skip
    assert ("HA-08", "lesser", "AH/1") in told.found()
    told["copied"].values["header"] = [{"name": "unreadable_sectors", "value": "7-9, 12"}]
    assert "HA-08" not in {code for code, _, _ in told.found()}


def test_told_as_agreeing_and_does_not() -> None:
    told = Told()
    told["verified"].values["computed"] = {"sha256": "0" * 64}
    assert told.found() == {("HA-01", "serious", "AH/2")}


def test_an_image_of_something_else_than_was_acquired() -> None:
    other = {"sha256": "0" * 64}
    told = Told()
    told["read"].values.update(computed=other, media_digests=other, expected={"slip": other}, header=[])
    told["verified"].values.update(computed=other, expected=other)
    assert told.found() == {("HA-01", "lesser", "AH/2")}
    told["image"].values["state"] = "derived"
    assert told.found() == set()
