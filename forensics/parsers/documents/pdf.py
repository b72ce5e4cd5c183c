"""What PDF documents (ISO 32000-2) say of themselves, through pypdf: pages are counted, their contents not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts

_NAME, _VERSION = "pdf", "1"
_HEADER_WITHIN = 1024


@dataclass(frozen=True, slots=True)
class PdfParser:
    """Artefacts `pdf.document`: times created, modified; fields title, author, creator_tool, producer, pages, format,
    id, revision_id, revisions, encrypted, javascript, actions. `pdf.xmp`: what its XMP says. `pdf.signature`: time
    signed, as claimed. `pdf.attachment`: name, size, times.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = ("pdf.document", "pdf.xmp", "pdf.signature", "pdf.attachment")

    def accepts(self, head: bytes, name: str) -> bool:
        """By the header, which readers look for in the first 1,024 bytes; behind others the name has to agree."""
        return head.startswith(b"%PDF-") or (b"%PDF-" in head[:_HEADER_WITHIN] and name.lower().endswith(".pdf"))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The document, then its XMP, signatures and attachments; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        if b"%PDF-" not in source.read_at(0, _HEADER_WITHIN):
            yield facts.problem("the document cannot be read: it has no header")
            return
        from forensics.parsers.documents._pdf import read_document

        yield from read_document(facts)


PARSER = PdfParser()
