"""Prefetch files of Windows (XP to 11), which programs ran and when, through libscca."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyscca

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._windows import UnreadableError, filetime, opened, told

_NAME, _VERSION = "prefetch", "1"
_RUN, _VOLUME = "prefetch.execution", "prefetch.volume"
_PLAIN, _COMPRESSED = b"SCCA", b"MAM\x04"
_RUNS = 8
_FILES_SHOWN = 1024


def _run(facts: Facts, file: Any) -> Artefact:
    runs = [filetime(told(file.get_last_run_time_as_integer, number) or 0) for number in range(_RUNS)]
    names = ["last_run", *(f"previous_run_{number}" for number in range(1, _RUNS))]
    count = told(getattr, file, "number_of_filenames") or 0
    fields: dict[str, object] = {
        "executable": told(getattr, file, "executable_filename"),
        "hash": f"{told(getattr, file, 'prefetch_hash') or 0:08x}",
        "run_count": told(getattr, file, "run_count"),
        "format": told(getattr, file, "format_version"),
        "file_count": count,
    }
    for number in range(min(count, _FILES_SHOWN)):
        fields[f"file.{number + 1}"] = told(file.get_filename, number)
    return facts.artefact(_RUN, dict(zip(names, runs, strict=True)), fields)


def _volumes(facts: Facts, file: Any) -> Iterator[Artefact]:
    executable = told(getattr, file, "executable_filename")
    for number in range(told(getattr, file, "number_of_volumes") or 0):
        volume = told(file.get_volume_information, number)
        if volume is not None:
            created = told(volume.get_creation_time_as_integer) or 0
            serial = told(getattr, volume, "serial_number")
            fields = {
                "device": told(getattr, volume, "device_path"),
                "volume_serial": "" if serial is None else f"{serial:08x}",
                "executable": executable,
            }
            yield facts.artefact(_VOLUME, {"volume_created": filetime(created)}, fields)


@dataclass(frozen=True, slots=True)
class PrefetchParser:
    """Artefacts `prefetch.execution`: times last_run and previous_run_1 to _7 (UTC; one before Windows 8); fields
    executable, hash, run_count, format, file_count, file.N. Artefacts `prefetch.volume`: time volume_created;
    fields device, volume_serial, executable.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_RUN, _VOLUME)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature, which compressed files (Windows 10) hold inside: there the name has to agree."""
        return head[4:8] == _PLAIN or (head.startswith(_COMPRESSED) and name.lower().endswith(".pf"))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The execution, then the volumes; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        try:
            with opened(pyscca.file, source) as file:
                yield _run(facts, file)
                yield from _volumes(facts, file)
        except UnreadableError as error:
            yield facts.problem(f"the prefetch file cannot be read: {error}")


PARSER = PrefetchParser()
