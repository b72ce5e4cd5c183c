"""TI: zones and clocks."""

from __future__ import annotations

import pytest

from custody.handling import examine
from tests.custody.handling.told import BORA, CARL, Told


def test_times_without_a_zone() -> None:
    told = Told()
    told["saw"].values["claimed_at"] = "2026-03-10T12:30:00"
    assert ("TI-01", "serious", "AH/2") in told.found()
    told = Told()
    told["laptop"].values["seizure"]["seized_at"] = "2026-03-10 09:30"
    assert told.found() == {("TI-01", "serious", "AH/1")}
    told = Told()
    told.case["zone"] = ""
    assert told.found() == {("TI-01", "serious", "")}


@pytest.mark.parametrize("power", ["on", "sleep"])
def test_a_running_device_whose_clock_nobody_compared(power: str) -> None:
    told = Told()
    told["laptop"].values["condition"] = {"power": power}
    told["laptop"].values["seizure"].pop("clock")
    assert told.found() == {("TI-02", "lesser", "AH/1")}
    told["laptop"].values["condition"] = {"power": "off"}
    assert told.found() == set()


def test_local_times_of_no_declared_zone() -> None:
    told = Told()
    told["read"].values["note"] = "12 times are in the local time of the source, and no zone was declared"
    assert told.found() == {("TI-03", "lesser", "AH/2")}


def test_clocks_that_cannot_be_relied_on() -> None:
    told = Told()
    told["saw"].values["clock"] = {"synchronised": "no"}
    assert told.found() == {("TI-04", "lesser", "AH/2")}
    told = Told()
    told["made"].by, told["made"].minute = CARL, 210.5
    told["made"].values["host"] = {"name": f"desk{BORA}"}
    assert told.found() == {("TI-04", "lesser", "")}
    record = Told().record()
    record.verdict.remark(5, "clock", "it claims nine o'clock and was written after ten")
    record.verdict.remark(6, "disputed", "another matter")
    assert [(item.code, item.entries) for item in examine(record) if item.code == "TI-04"] == [("TI-04", (5,))]
