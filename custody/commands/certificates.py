"""Certificates beside a report, as an option of the command: templates of ours, or somebody's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.case import Case
    from custody.report.model import Report


def templates_from(names: Sequence[str]) -> dict[str, str]:
    """The texts by the name of the document that each becomes. CustodyError where one is neither ours nor a file."""
    from custody.report.certificate import NAMES, template, validated

    found: dict[str, str] = {}
    for name in names:
        key = f"certificate-{name if name in NAMES else Path(name).stem}"
        if key in found:
            raise CustodyError(f"two certificates would be called {key}", "Rename one of the files.")
        found[key] = template(name) if name in NAMES else _own(Path(name))
        validated(found[key])  # before anything is made
    return found


def _own(path: Path) -> str:
    from custody.report.certificate import MAX_TEMPLATE, NAMES

    advice = f"Name a file, or one of {', '.join(NAMES)}."
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TEMPLATE + 1)
        if len(data) > MAX_TEMPLATE:
            raise CustodyError(f"{path} is too long for a template", advice)
        return data.decode()
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", advice) from error
    except UnicodeDecodeError as error:
        raise CustodyError(f"{path} is no text", advice) from error


def write_certificates(
    case: Case, folder: Path, recipient: str, report: Report, templates: Mapping[str, str]
) -> dict[str, str]:
    """Each as a page, and as a PDF where the extra is installed; the files by name, recorded with their digests."""
    from custody.disclose import register_document
    from custody.durable import write_durably
    from custody.report.certificate import certificate

    written: dict[str, str] = {}
    for name, text in templates.items():
        page = certificate(text, report)
        documents = {f"{name}.html": page}
        if find_spec("typst") is not None:
            from custody.report import words
            from custody.report.paper.typeset import typeset

            documents[f"{name}.pdf"] = typeset(report, page, b"", file=f"{name}.html", notice=words.TEMPLATE_SHEET)
        for file, data in documents.items():
            write_durably(folder / file, data, 0o644)
            register_document(case, recipient, "certificate", file, data)
        written[name] = str(folder / list(documents)[-1])
    return written
