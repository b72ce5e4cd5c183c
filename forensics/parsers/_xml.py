"""XML of documents as a stream of elements: nothing is fetched, no entity is declared, depth and size are bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.parsers import expat

SIZE_LIMIT = 4 << 20
"""Bytes of one XML text that are read."""

_DEPTH_LIMIT = 64
_ELEMENTS_LIMIT = 50_000
_TEXT_LIMIT = 8192


class XmlError(ValueError):
    """The text is no well-formed XML, or one that is refused; `str()` says why, on one line."""


class Element(NamedTuple):
    """An element: its name and those of its parents, outermost first, each as "namespace name" or "name";
    attributes by name in the same form; its own text, stripped.
    """

    path: tuple[str, ...]
    attributes: dict[str, str]
    text: str

    @property
    def name(self) -> str:
        """The element's own name, without its namespace."""
        return self.path[-1].rpartition(" ")[2]


class _Reading:
    def __init__(self) -> None:
        self.found: list[Element] = []
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self._length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _DEPTH_LIMIT or len(self.found) >= _ELEMENTS_LIMIT:
            raise XmlError("it has more elements than are read")
        self._open.append((name, attributes, []))
        self._length = 0

    def text(self, data: str) -> None:
        if self._open and self._length < _TEXT_LIMIT:
            self._open[-1][2].append(data[:_TEXT_LIMIT])
            self._length += len(data)

    def end(self, name: str) -> None:
        path = tuple(entry[0] for entry in self._open)
        _, attributes, pieces = self._open.pop()
        self.found.append(Element(path, attributes, "".join(pieces).strip()))
        self._length = 0


def _refuse(*_: Any) -> None:
    raise XmlError("it declares entities, which are not expanded")


def elements(data: bytes) -> Iterator[Element]:
    """Every element in the order of their ends. What was read before the text stopped being XML is given first.

    Raises XmlError for what is not well-formed, declares entities, or is deeper or longer than the limits.
    """
    reading = _Reading()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reading.start, reading.end
    parser.CharacterDataHandler = reading.text
    parser.EntityDeclHandler = _refuse
    problem = ""
    try:
        parser.Parse(data[:SIZE_LIMIT], True)
    except (expat.ExpatError, XmlError) as error:
        problem = str(error)
    except (ValueError, LookupError) as error:  # an encoding that is not known
        problem = f"its encoding cannot be read: {error}"
    yield from reading.found
    if problem:
        raise XmlError(problem)
