"""TO: the tools, and that results can be traced to them."""

from __future__ import annotations

from collections.abc import Iterator

from custody.handling._contract import LESSER, Rule, Seen
from custody.handling._record import Act, Chain, Record
from custody.opened import mapping, text


def _version(act: Act) -> str:
    tool = act.mapping("tool")
    name, version = text(tool.get("name")), text(tool.get("version"))
    return f"{name} {version}" if name and version else ""


def _versions(_record: Record, chain: Chain) -> Iterator[Seen]:
    """Read with no tool named, or with another one at the end than at the beginning; results of no run."""
    begins = {access.begin.leaf: access.begin for access in chain.accesses}
    for access in chain.accesses:
        before = _version(access.begin)
        if not before:
            yield Seen(access.entries, "which tool, in which version, read it is not stated")
        elif access.end is not None and _version(access.end) != before:
            yield Seen(access.entries, f"begun with {before}, ended with {_version(access.end) or 'no tool named'}")
        for leaf in access.begin.answers:
            earlier = begins.get(leaf)
            if earlier is not None and before and _version(earlier) != before:
                yield Seen(
                    (earlier.index, access.begin.index), f"begun with {_version(earlier)}, gone on with {before}"
                )
        results = [text(mapping(row).get("name")) for row in (access.end.items("result_digests") if access.end else [])]
        if results and "manifest.json" not in results:
            yield Seen(access.entries, "the results are not tied to a run: its manifest is not among them")


RULES: tuple[Rule, ...] = (
    Rule(
        "TO-01", LESSER, "Which tool it was, cannot be told",
        "The same bytes read by another version can give other results. Without it, nobody can repeat the examination.",
        of_exhibit=_versions,
        needs={"access.begin": ("tool", "purpose", "object"), "access.end": ("tool", "result_digests")},
    ),
    Rule(
        "TO-02", LESSER, "Errors of parsers that the report does not tell",
        "",
        unbuilt="the report's text is not held against the problems of a run; the report lists them itself",
    ),
    Rule(
        "TO-03", LESSER, "A tool that was not validated",
        "",
        unbuilt="validations of tools are not recorded by this version",
    ),
)  # fmt: skip
