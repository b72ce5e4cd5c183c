"""Every call that changes the ledger's file fails once, or is where the writer is killed: what was acknowledged stands.

strace injects the fault into the n-th such call of a writer, for n = 1, 2 ... until the writer gets through.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from custody.ledger.audit import audit
from custody.ledger.store import Ledger
from custody.ledger.verdict import Trust
from custody.opened import values_of
from tests.kit import World

CALLS = "pwrite64,pwritev,write,fsync,fdatasync,ftruncate,fallocate,openat,unlink,rename"
TEXTS = ("first", "second")
WRITER = """
import sys
from pathlib import Path
from custody.ledger.errors import CustodyError
from custody.ledger.store import Draft, Ledger
from tests.kit import entry_key

for attempt in range(3):  # what failed is tried again, as a person would
    try:
        with Ledger.open(Path(sys.argv[1]), writable=True) as ledger:
            known = [text for row in ledger.rows_of("note") if (text := row.openings["text"].value)]
            for text in ("first", "second"):
                if text not in known:
                    ledger.append(Draft("note", {"text": text}, n=0), entry_key(1))
                    print(text, flush=True)
        break
    except CustodyError as error:
        print(f"refused: {error}", flush=True)
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("strace") is None:
        if os.environ.get("EVIKIT_NO_SKIP") == "1":
            pytest.fail("strace is not installed, and EVIKIT_NO_SKIP is 1")
        pytest.skip("strace is not installed")
    world = World(tmp_path_factory.mktemp("begun"))
    world.close()
    world.ledger.close()
    return world.path


def written(begun: Path, folder: Path, fault: str, number: int) -> tuple[subprocess.CompletedProcess[str], Path, bool]:
    """One run of the writer with the fault at call `number`; whether that call was reached."""
    folder.mkdir()
    path, log = folder / begun.name, folder / "calls"
    shutil.copyfile(begun, path)
    files = [word for name in (path, f"{path}-wal", f"{path}-shm", f"{path}-journal") for word in ("-P", str(name))]
    inject = ["-e", f"trace={CALLS}", "-e", f"inject={CALLS}:{fault}:when={number}"]
    command = ["strace", "-f", "-o", str(log), *files, *inject, sys.executable, "-c", WRITER, str(path)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=paths)
    calls = log.read_text("utf-8", "replace")
    return told, path, "(INJECTED)" in calls or "+++ killed by SIGKILL" in calls


def holds(path: Path) -> list[str]:
    """The texts in the ledger, which must verify."""
    with Ledger.open(path, writable=False) as ledger:
        assert not audit(ledger, Trust()).failed
        return [str(values_of(row)["text"]) for row in ledger.rows_of("note")]


@pytest.mark.parametrize("fault", ["error=EIO", "signal=SIGKILL"])  # and ENOSPC, by hand: as EIO
def test_no_acknowledged_entry_is_lost_and_none_is_doubled(begun: Path, tmp_path: Path, fault: str) -> None:
    reached = 0
    for number in range(1, 60):
        told, path, injected = written(begun, tmp_path / str(number), fault, number)
        said = told.stdout.splitlines()
        acknowledged = [line for line in said if line in TEXTS]
        kept = holds(path)
        assert len(kept) == len(set(kept)), (number, kept)
        assert kept[: len(acknowledged)] == acknowledged, (number, said, kept)
        if "SIGKILL" not in fault:
            assert told.returncode == 0, (number, told.stderr)
            assert kept == list(TEXTS) or said[-1].startswith("refused: "), (number, said)
        assert "Traceback" not in told.stderr
        if not injected:
            break
        reached += 1
    assert reached >= 8, "the faults did not reach the calls of an append"
    assert kept == list(TEXTS)
