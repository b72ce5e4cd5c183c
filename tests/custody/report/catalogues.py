"""The texts that catalogues translate, found in the source; run as a program it brings every catalogue up to date.

Marked are the arguments of `_`, `N_`, `phrase`, `filled`, `Fact` and `fact`, `_("…")` in the page's script, all texts
of the modules `words*.py` (keys aside), and what every rule of handling says whatever it finds.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from custody.handling import CATALOGUE
from custody.report.language import _PLACE, _WORD, ENGLISH, LANGUAGES
from custody.report.live import said_by_script

FOLDER = Path(__file__).parents[3] / "custody" / "report"
MARKS = ("_", "N_", "phrase", "filled", "Fact", "fact")


def texts() -> dict[str, str]:
    """Every text that is to be translated, and the file that it is from."""
    found: dict[str, str] = {}
    for path in sorted(FOLDER.rglob("*.py")):
        if path.parent.name in ("exports", "standalone") or path.name in ("label.py", "certificate.py"):
            continue  # for programs, for others, or forms of English-speaking courts
        told = _constants(path) if path.name.startswith("words") else _marked(path)
        found |= {text: f"custody/report/{path.relative_to(FOLDER)}" for text in told if text not in found}
    found |= {text: "custody/report/page" for text in said_by_script() if text not in found}
    for rule in CATALOGUE:
        found |= {text: "custody/handling" for text in (rule.title, rule.meaning, rule.unbuilt) if text not in found}
    return {text: place for text, place in found.items() if _WORD.search(_PLACE.sub("", text))}


def _marked(path: Path) -> Iterator[str]:
    """Literal first arguments of what marks a text."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS and node.args:
            yield from _values(node.args[0])


def _constants(path: Path) -> Iterator[str]:
    """The texts among a module's values: no docstrings, no keys, nothing that is imported or annotated."""
    for statement in ast.parse(path.read_text("utf-8")).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            yield from _values(statement.value)


def _values(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from _values(value)
    elif isinstance(node, ast.Tuple):
        for value in node.elts:
            yield from _values(value)


def template() -> Catalog:
    """All texts, in the order of the files, without translations."""
    made = Catalog(project="evikit")
    for text, place in texts().items():
        made.add(text, locations=[(place, 0)])
    return made


def catalogue_of(tag: str) -> Catalog:
    """A language's catalogue as it stands in the source; an empty one where there is none."""
    path, locale = FOLDER / "languages" / f"{tag}.po", tag.replace("-", "_")
    if not path.exists():
        return Catalog(locale)
    with path.open("rb") as file:
        return read_po(file, locale)


def updated(tag: str) -> Catalog:
    """The same with new texts, without a translation, and without those that are no more."""
    made = catalogue_of(tag)
    made.update(template(), no_fuzzy_matching=True)
    made.obsolete.clear()
    made.header_comment = f"# The fixed words of evikit's report in {tag}; docs/languages.md says how it is kept."
    made.fuzzy = False
    return made


def written(catalogue: Catalog) -> bytes:
    """A catalogue as bytes that depend on its texts alone: the header says the language and nothing of a day."""
    file = io.BytesIO()
    write_po(file, catalogue, width=120, include_lineno=False)
    kept = ("msgid", "msgstr", '"Language:', '"MIME', '"Content', "#")
    header, rest = file.getvalue().decode().split("\n\n", 1)
    return "\n".join([*(line for line in header.split("\n") if line.startswith(kept)), "", rest]).encode()


def main() -> None:
    """Bring every catalogue up to date, and say how much of it is translated."""
    for tag in LANGUAGES:
        if tag != ENGLISH:
            made = updated(tag)
            (FOLDER / "languages" / f"{tag}.po").write_bytes(written(made))
            lacking = sum(not message.string for message in made if message.id)
            print(f"{tag}: {len(made)} texts, {lacking} without a translation")


if __name__ == "__main__":
    main()
