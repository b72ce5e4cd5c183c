"""What containers wrote: Docker's json-file driver, and the lines of CRI runtimes below Kubernetes.

Docker: one object a line with log, stream, time. CRI (the kubelet's kuberuntime/logs): "TIME STREAM TAG MESSAGE", where
the tag P says that the line goes on in the next.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Location, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import Line, head_lines, parse_lines
from forensics.parsers._secrets import without_secrets
from forensics.parsers._stamps import WRITTEN, Stamps

_NAME, _VERSION, _KIND, _STAGE = "container_log", "1", "container.line", "parser container_log"
_CRI = re.compile(rf"{WRITTEN} (stdout|stderr) ([A-Z]+(?::[A-Z]+)*)(?: (.*))?")
_CRI_START = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}(?:Z|[+-][0-9]{2}:[0-9]{2}) std(?:out|err) [FP] ")
_DOCKER_START = re.compile(rb'\{"log":".{0,4000}(?:"stream":"std(?:out|err)"|$)', re.DOTALL)
_TIME = re.compile(WRITTEN)
_DOCKER_ID = re.compile(r"/([0-9a-f]{64})(?:/|-json\.log)")
_POD = re.compile(r"/pods/([^/_]+)_([^/_]+)_([0-9a-f-]{8,64})/([^/]+)/")
_LINKED = re.compile(r"/containers/([^/_]+)_([^/_]+)_([^/]+)-([0-9a-f]{64})\.log")


def _whose(path: str) -> dict[str, str]:
    """The container, as the path of its log names it."""
    if pod := _POD.search(path):
        return {"namespace": pod[1], "pod": pod[2], "container": pod[4]}
    if linked := _LINKED.search(path):
        return {"namespace": linked[2], "pod": linked[1], "container": linked[3]}
    docker = _DOCKER_ID.search(path)
    return {"container": docker[1]} if docker else {}


class _Log:
    """One log being read, line after line."""

    def __init__(self, source: ParserInput) -> None:
        self._facts = Facts(source, _NAME, _VERSION)
        self._stamps = Stamps(source.zone)
        self._whose = _whose(source.location.path)

    def read(self, line: Line, location: Location) -> Artefact | str | None:
        """A line of either kind."""
        try:
            return self._docker(line) if line.text.startswith("{") else self._cri(line)
        except ImpossibleTimeError as error:
            return str(error)

    def _cri(self, line: Line) -> Artefact | str:
        match = _CRI.fullmatch(line.text)
        if match is None:
            return "not a line of a container"
        partial = "true" if match[10].split(":")[0] == "P" else ""
        return self._made(line, match, {"stream": match[9], "partial": partial, "message": match[11] or ""})

    def _docker(self, line: Line) -> Artefact | str:
        try:
            told = json.loads(line.text)
        except (ValueError, RecursionError):
            return "no JSON object"
        if not isinstance(told, dict) or not isinstance(message := told.get("log"), str):
            return "no JSON object of a container"
        if (match := _TIME.fullmatch(str(told.get("time")))) is None:
            return "a line of a container without a time"
        whole = message.endswith("\n")
        fields = {"stream": str(told.get("stream", "")), "partial": "" if whole else "true"}
        attributes = told.get("attrs")
        named = attributes if isinstance(attributes, dict) else {}
        more = {f"attribute.{name}": without_secrets(str(value)) for name, value in list(named.items())[:64]}
        return self._made(line, match, fields | {"message": message.removesuffix("\n")} | more)

    def _made(self, line: Line, match: re.Match[str], fields: dict[str, str]) -> Artefact:
        stamp = self._stamps.read(match)
        fields["message"] = without_secrets(fields["message"])
        said = {**self._whose, **fields, **stamp.fields, "cut": "true" if line.cut else ""}
        place = line.offset, line.length
        return self._facts.artefact(_KIND, {"logged": stamp.moment}, said, place=place, clock=stamp.clock)


@dataclass(frozen=True, slots=True)
class ContainerLogParser:
    """Lines that containers wrote to their standard output and error.

    Artefacts `container.line`: time `logged`; fields stream, message, partial (the message goes on in the next line),
    container, pod and namespace as the path names them, attribute.NAME (Docker's labels).
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the first line."""
        if _CRI_START.match(head) or (head.startswith(b'{"log":"') and _DOCKER_START.match(head)):
            return True
        return name.endswith("-json.log") and any(line.startswith('{"log":') for line in head_lines(head))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every line in the order of the file; see `Parser.parse`."""
        yield from parse_lines(source, _STAGE, _Log(source).read)


PARSER = ContainerLogParser()
