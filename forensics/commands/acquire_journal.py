"""The journal of an acquisition under way: how far its images are on disk, and how to go on after a stop."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from custody.durable import sync_folder, write_durably
from custody.ledger.errors import CustodyError
from forensics.acquire.files import ImageFiles, State


class Made(Protocol):
    """One image under way, as far as the journal looks at it."""

    @property
    def files(self) -> ImageFiles: ...


class Journal:
    """Beside the first image: what a stopped acquisition needs to go on. It goes when the images are whole."""

    def __init__(self, path: Path, begun: Mapping[str, Any]) -> None:
        self.path, self._begun = path, dict(begun)
        self.writers: list[Made] = []
        self.saved: dict[str, Any] = {"done": 0, "bad": [], "images": []}
        self.earlier = False
        self._lock = Lock()  # every image has a thread that announces its files
        if path.exists():
            self._load()
        else:
            self._begun |= {"when": int(time.time()), "identifier": uuid.uuid4().hex}

    def _load(self) -> None:
        try:
            found = json.loads(self.path.read_bytes())
            known, self.saved = found["begun"], found["saved"]
            same = {name: known.get(name) for name in self._begun} == self._begun
        except (OSError, ValueError, LookupError, AttributeError) as error:
            raise CustodyError(
                f"{self.path} is no journal of an acquisition: {error}", "Name another place."
            ) from error
        if not same:
            raise CustodyError(
                f"{self.path} belongs to another acquisition: of another source, or with other settings",
                "Give the command as it was given then; or remove that journal and its images, or name another place.",
            )
        self._begun, self.earlier = known, True

    @property
    def when(self) -> int:
        """Seconds since 1970 at which the acquisition was begun."""
        return int(self._begun["when"])

    @property
    def identifier(self) -> bytes:
        """Sixteen bytes that tell this acquisition from others, for the container."""
        return bytes.fromhex(self._begun["identifier"])

    def image(self, number: int) -> tuple[State, list[str]]:
        """The recorded state of an image's files, and the names announced since."""
        images = self.saved["images"]
        item = images[number] if number < len(images) else {"state": [], "names": []}
        return item["state"], item["names"]

    def announce(self) -> None:
        """Make the names of the files durable; how far the copy is stays what it was."""
        states = [self.image(number)[0] for number in range(len(self.writers))]
        self._write(states)

    def durable(self, done: int, bad: list[tuple[int, int]], states: list[State]) -> None:
        """All images are on disk up to `done`."""
        self.saved |= {"done": done, "bad": [list(item) for item in bad]}
        self._write(states)

    def _write(self, states: list[State]) -> None:
        with self._lock:
            names = [writer.files.names for writer in self.writers]
            self.saved["images"] = [{"state": state, "names": name} for state, name in zip(states, names, strict=True)]
            write_durably(self.path, json.dumps({"begun": self._begun, "saved": self.saved}).encode())

    def remove(self) -> None:
        """The images are whole: nothing is left to go on with."""
        self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)
