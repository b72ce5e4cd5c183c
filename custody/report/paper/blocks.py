"""A page of ours, read into the blocks that paper has: headings, paragraphs, lists, facts, tables, boxes, drawings.

Only what a screen alone can do is left out: scripts, the panel they fill, links that skip. Blocks are plain JSON.
Words stay words: they are data of the template, whatever they look like.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

Block = dict[str, Any]
Run = dict[str, Any]

_VOID = frozenset({"meta", "br", "hr", "col", "input"})
_LEFT_OUT = frozenset({"head", "script", "noscript", "form", "button", "input", "progress"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
_AROUND = frozenset({"main", "section", "header", "footer", "div", "article", "figure", "nav"})
_BLOCKS = _HEADINGS | _AROUND | {"figcaption", "p", "ul", "ol", "dl", "table", "pre", "blockquote", "svg"}
_STYLES = {"strong": "strong", "code": "code", "i": "absent", "del": "struck", "s": "struck", "ins": "strong"}
_BOXES = frozenset({"verdict", "card", "remark", "remarks", "exercise", "tosign", "fingerprint"})
_LONG, _PIECE = 20, 8
_LISTINGS, _NARROW, _LINE = frozenset({"entries", "problems", "events"}), 34, 80
"""Tables of thousands of rows, set as lines: cells would cost 15 KB each. Letters up to which a column is aligned, and
up to which a word surely fits on a line."""
_BREAK = "\u200b"
"""A place where a line may end; the template prints nothing there, so that copied text has nothing in it either."""


@dataclass(slots=True)
class Node:
    """An element with its attributes, and what is in it, in order."""

    tag: str
    attributes: dict[str, str]
    content: list[Node | str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def children(self, *tags: str) -> Iterator[Node]:
        """The elements in it of these tags."""
        return (item for item in self.content if isinstance(item, Node) and item.tag in tags)

    def find(self, tag: str) -> Iterator[Node]:
        """All elements of this tag below, in order."""
        for item in self.content:
            if isinstance(item, Node):
                if item.tag == tag:
                    yield item
                yield from item.find(tag)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].content.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop()
        if closed.tag != tag:
            raise ValueError(f"the page is ill formed: <{closed.tag}> ends as </{tag}>")

    def handle_data(self, data: str) -> None:
        if self.open[-1].tag not in _LEFT_OUT:  # the bundle in the page may have megabytes
            self.open[-1].content.append(data)


def read_page(page: bytes) -> list[Block]:
    """The blocks of a page that `custody.report.html.render` made. ValueError where its elements do not nest."""
    reader = _Reader()
    reader.feed(page.decode())
    reader.close()
    if len(reader.open) != 1:
        raise ValueError(f"the page is ill formed: <{reader.open[-1].tag}> does not end")
    body = next(reader.open[0].find("body"))
    found = list(_blocks(body))
    targets = {run["id"] for run in runs_of(found) if "id" in run}
    for run in runs_of(found):
        if run.get("to") not in targets:
            run.pop("to", None)
    return found


def runs_of(value: object) -> Iterator[Run]:
    """Every run of text in these blocks, headings included."""
    if isinstance(value, dict):
        if "t" in value or "id" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from runs_of(item)


# --- blocks -----------------------------------------------------------------------------------------------


def _left_out(node: Node) -> bool:
    screen = "hidden" in node.attributes or "skip" in node.classes
    return node.tag in _LEFT_OUT or screen


def _blocks(node: Node) -> Iterator[Block]:
    """What stands in an element; text between blocks is a paragraph."""
    words: list[Run] = []
    for item in node.content:
        if isinstance(item, Node) and (_left_out(item) or item.tag in _BLOCKS):
            if words:
                yield {"k": "p", "runs": words, "class": ""}
                words = []
            yield from () if _left_out(item) else _block(item)
        else:
            words += _runs(item, ())
    if words:
        yield {"k": "p", "runs": words, "class": ""}


def _block(node: Node) -> Iterator[Block]:
    kind = node.tag
    if kind in _HEADINGS:
        yield {"k": "h", "level": int(kind[1]), "runs": _inline(node), **_named(node)}
    elif kind == "nav":
        yield {"k": "outline"}
    elif kind in ("ul", "ol"):
        yield {"k": "list", "items": [list(_blocks(item)) for item in node.children("li")]}
    elif kind == "dl":
        yield {"k": "facts", "rows": [_fact(item) for item in node.children("div")]}
    elif kind == "table":
        yield _table(node)
    elif kind == "svg":
        yield {"k": "svg", "source": _source(node), "alt": " ".join(map(_text, node.find("desc")))}
    elif kind in ("p", "pre", "figcaption") and not _BOXES & set(node.classes):
        yield {"k": "pre" if kind == "pre" else "p", "runs": _inline(node), "class": " ".join(node.classes)}
    elif _BOXES & set(node.classes) or kind == "blockquote":
        yield {"k": "box", "class": node.classes or [kind], "blocks": list(_blocks(node))}
    else:
        yield from _blocks(node)


def _fact(node: Node) -> list[Any]:
    label, value = next(node.children("dt")), next(node.children("dd"))
    return [_inline(label), list(_blocks(value)), *(["rule"] if "rule" in value.classes else [])]


def _table(node: Node) -> Block:
    head, body = next(node.children("thead")), next(node.children("tbody"))
    caption = next(node.children("caption"))
    rows = [[_cell(list(_blocks(cell))) for cell in row.children("th", "td")] for row in body.children("tr")]
    columns = [_inline(cell) for row in head.children("tr") for cell in row.children("th")]
    if node.attributes["class"] in _LISTINGS:
        return {"k": "listing", "caption": _inline(caption), "lines": _aligned([columns, *rows])}
    return {
        "k": "table",
        "class": node.attributes["class"],
        "caption": _inline(caption),
        "columns": columns,
        "rows": rows,
    }


def _aligned(rows: list[list[list[Run]]]) -> list[str]:
    """Rows as lines of one width a letter: narrow columns first and aligned, then those of free words."""
    cells = [[" ".join(_plain(cell).split()) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    narrow = [i for i, width in enumerate(widths) if width <= _NARROW]
    wide = [i for i, width in enumerate(widths) if width > _NARROW]
    return [
        "  ".join(
            [*(row[i].ljust(widths[i]) for i in narrow), *(breakable(row[i], least=_LINE) for i in wide)]
        ).rstrip()
        for row in cells
    ]


def _plain(cell: list[Run]) -> str:
    return "".join(run.get("t", "") for run in cell).replace(_BREAK, "")


def _cell(blocks: list[Block]) -> list[Run]:
    """A cell as runs alone, a line a paragraph, without links: more in thousands of cells would cost a gigabyte."""
    lines: list[list[Run]] = []
    for block in blocks:
        if block["k"] == "p":
            lines.append(_styled(block["runs"], "label") if block["class"] == "hint" else block["runs"])
        elif block["k"] == "facts":
            lines += [[*_styled([*label, {"t": ": "}], "label"), *_cell(value)] for label, value, *_ in block["rows"]]
        else:
            lines += [_cell(item) for item in block.get("items", [block.get("blocks", [])])]
    runs = [run for line in lines for run in ({"t": "\n"}, *line)][1:]
    return _merged([{name: run[name] for name in ("t", "s") if name in run} for run in runs if "t" in run])


def _styled(runs: list[Run], style: str) -> list[Run]:
    return [{**run, "s": [style, *run.get("s", [])]} if "t" in run else run for run in runs]


def _merged(runs: list[Run]) -> list[Run]:
    """The same with neighbours of one style in one run."""
    kept: list[Run] = []
    for run in runs:
        alike = kept and "t" in run and "t" in kept[-1] and {**run, "t": ""} == {**kept[-1], "t": ""}
        if alike:
            kept[-1] = {**run, "t": kept[-1]["t"] + run["t"]}
        else:
            kept.append(run)
    return kept


# --- text -------------------------------------------------------------------------------------------------


def _inline(node: Node) -> list[Run]:
    return _merged([run for item in node.content for run in _runs(item, ())])


def _runs(item: Node | str, styles: tuple[str, ...]) -> Iterator[Run]:
    if isinstance(item, str):
        if item:
            yield {"t": breakable(item, code="code" in styles), **({"s": list(styles)} if styles else {})}
        return
    if item.tag == "br":
        yield {"t": "\n"}
        return
    if _left_out(item):
        return
    if "id" in item.attributes:
        yield _named(item)
    mark = [f"mark-{name}" for name in item.classes if name in ("good", "caution", "bad")]
    own = (*styles, *([_STYLES[item.tag]] if item.tag in _STYLES else []), *mark)
    whole = [run for part in item.content for run in _runs(part, own)]
    if item.tag == "bdi" and any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in _text(item)):
        whole = [{"t": "\u2068"}, *whole, {"t": "\u2069"}]
    if item.tag == "a" and item.attributes.get("href", "").startswith("#"):
        for run in whole:
            run["to"] = item.attributes["href"][1:]
    yield from whole


def _named(node: Node) -> Run:
    return {"id": node.attributes["id"]} if "id" in node.attributes else {}


def _text(node: Node) -> str:
    return "".join(item if isinstance(item, str) else _text(item) for item in node.content)


def breakable(text: str, *, code: bool = False, least: int = 0) -> str:
    """The text with places where a line may end inside words longer than `least` (by default what a column holds)."""
    least = least or (_PIECE if code else _LONG)
    return re.sub(
        rf"[^\s{_BREAK}]{{{least + 1},}}", lambda found: _BREAK.join(re.findall(rf".{{1,{_PIECE}}}", found[0])), text
    )


def _source(node: Node) -> str:
    """A drawing as SVG of its own; browsers know the names' letters whatever their case, other programs do not."""
    names = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}
    pairs = "".join(f' {names.get(key, key)}="{html.escape(value)}"' for key, value in node.attributes.items())
    space = ' xmlns="http://www.w3.org/2000/svg"' if node.tag == "svg" else ""
    inner = "".join(html.escape(item) if isinstance(item, str) else _source(item) for item in node.content)
    return f"<{node.tag}{space}{pairs}>{inner}</{node.tag}>"
