"""Case, exhibits, people, tools and what was done, as CASE 1.4 and UCO 1.4 in JSON-LD.

Identifiers are made from the ledger's id and the entry, so that the same record gives the same ones. This carries
what the report says to other tools; it proves nothing: the bundle does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from custody.report.exports._contract import Material, instant, said
from custody.report.model import Exhibit, Report, Step

FILE = "case.jsonld"

Node = dict[str, Any]

_UCO, _CASE = "https://ontology.unifiedcyberontology.org", "https://ontology.caseontology.org"
_CONTEXT = {
    "case-investigation": f"{_CASE}/case/investigation/",
    **{f"uco-{name}": f"{_UCO}/uco/{name}/" for name in
       ("action", "core", "identity", "observable", "tool", "types")},
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}  # fmt: skip
_HASHES = {"MD5": "MD5", "SHA-1": "SHA1", "SHA-256": "SHA256", "SHA-512": "SHA512"}


class _Graph:
    """Nodes in order, each identifier once."""

    def __init__(self, report: Report) -> None:
        self.base = f"urn:evikit:{report.head.ledger}:"
        self.nodes: dict[str, Node] = {}

    def add(self, kind: str, key: str, values: Node) -> Node:
        """A node of a kind, by what makes it one of its kind; the reference to it."""
        word = kind.rpartition(":")[2].lower()
        identifier = f"{self.base}{word}-{uuid5(NAMESPACE_URL, f'{self.base}{word}/{key}')}"
        if identifier not in self.nodes:
            kept = {name: value for name, value in values.items() if value not in ("", None, [])}
            self.nodes[identifier] = {"@id": identifier, "@type": kind, **kept}
        return {"@id": identifier}


def _literal(kind: str, value: str) -> Node:
    return {"@type": f"xsd:{kind}", "@value": value}


def _hashes(graph: _Graph, exhibit: Exhibit) -> list[Node]:
    """Digests of the whole medium, each value once."""
    found = {(line.algorithm, said(line.value)) for line in exhibit.digests if line.algorithm in _HASHES}
    return [
        graph.add("uco-types:Hash", f"{algorithm}/{value}", {
            "uco-types:hashMethod": _HASHES[algorithm],
            "uco-types:hashValue": _literal("hexBinary", value),
        })
        for algorithm, value in sorted(found) if _is_hex(value)
    ]  # fmt: skip


def _is_hex(value: str) -> bool:
    return bool(value) and len(value) % 2 == 0 and not set(value) - set("0123456789abcdefABCDEF")


def _exhibit(graph: _Graph, exhibit: Exhibit) -> Node:
    facts = {fact.label: said(fact.value) for fact in exhibit.facts}
    key = str(exhibit.n)
    facet = graph.add("uco-observable:ContentDataFacet", key, {"uco-observable:hash": _hashes(graph, exhibit)})
    medium = graph.add("uco-observable:ObservableObject", key, {
        "uco-core:name": said(exhibit.title),
        "uco-core:description": [facts[name] for name in ("Description",) if facts.get(name)],
        "uco-core:hasFacet": [facet],
    })  # fmt: skip
    return graph.add("case-investigation:ProvenanceRecord", key, {
        "uco-core:name": said(exhibit.title),
        "case-investigation:exhibitNumber": facts.get("Reference", ""),
        "uco-core:object": [medium],
    })  # fmt: skip


def _person(graph: _Graph, who: str) -> Node:
    return graph.add("uco-identity:Identity", who, {"uco-core:name": who})


def _step(graph: _Graph, step: Step, about: list[Node]) -> Node:
    times = {"uco-action:startTime": instant(step.at), "uco-action:endTime": instant(step.until)}
    details = [f"{fact.label}: {said(fact.value)}" for fact in step.details]
    outcome = [f"Outcome: {said(step.outcome)}"] if step.outcome else []
    return graph.add("case-investigation:InvestigativeAction", str(step.entry), {
        "uco-core:name": said(step.what),
        "uco-core:description": [f"Entry {step.entry}", *details, *outcome],
        "uco-action:performer": _person(graph, said(step.who)),
        "uco-action:object": about,
        **{name: _literal("dateTime", at) for name, at in times.items() if at},
    })  # fmt: skip


def _steps(graph: _Graph, report: Report) -> Iterator[Node]:
    for exhibit in report.exhibits:
        record = _exhibit(graph, exhibit)
        yield record
        yield from (_step(graph, step, [record]) for step in exhibit.steps)
    yield from (_step(graph, step, []) for step in report.case_steps)


def _tool(graph: _Graph, named: str) -> Node:
    name, _, version = named.partition(" ")
    return graph.add("uco-tool:Tool", named, {"uco-core:name": name, "uco-tool:version": version})


def make(material: Material) -> Iterable[bytes]:
    """The document: an investigation that holds everything else."""
    report = material.report
    graph = _Graph(report)
    parts = [*_steps(graph, report), *(_tool(graph, said(line.tool)) for line in report.tools)]
    facts = {fact.label: said(fact.value) for fact in report.case.facts}
    graph.add("case-investigation:Investigation", "case", {
        "uco-core:name": facts.get("Case number", report.reference),
        "uco-core:description": [report.title, f"Integrity: {report.integrity.headline}",
                                 f"Handling: {report.handling.headline}", f"Head: {report.head.fingerprint}"],
        "uco-core:object": parts,
    })  # fmt: skip
    whole = {"@context": _CONTEXT, "@graph": list(graph.nodes.values())}
    yield f"{json.dumps(whole, ensure_ascii=False, indent=1)}\n".encode()
