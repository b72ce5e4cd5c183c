"""`evikit search`: contents searched through the gate, and `evikit hits`: what a search found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import PROBLEMS, Settings, put_facts, put_json, put_table, with_settings, writing
from custody.ledger.errors import CustodyError
from forensics.commands.ingest import processors
from forensics.commands.listings import Listing, answer, csv_lines, json_lines

if TYPE_CHECKING:
    from custody.access import Source
    from custody.case import Case
    from custody.exhibits import Exhibit
    from custody.target import Target
    from forensics.examine.request import Listener
    from forensics.results.queries import Filter
    from forensics.results.searches import Search
    from forensics.search.patterns import Patterns

_ENCODINGS = ("utf-8", "utf-16le", "utf-16be", "windows-1250", "windows-1251", "windows-1252", "windows-1254",
              "iso-8859-2", "iso-8859-5", "iso-8859-9", "cp852", "cp855", "cp866")  # fmt: skip
_AREAS = ("file", "slack", "unallocated", "rest", "outside", "border")


@click.command()
@click.argument("ref", metavar="REF")
@click.option("--purpose", required=True, help="Why the evidence is read: it stands in the ledger.")
@click.option("--word", "words", multiple=True, metavar="W", help="A word, found in whatever case. Repeatable.")
@click.option("--words", "word_files", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="Words, one a line (UTF-8). Repeatable.")  # fmt: skip
@click.option("--regex", "regexes", multiple=True, metavar="R", help="A regular expression, as written. Repeatable.")
@click.option("--yara", "rule_files", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="A file of YARA rules. Repeatable.")  # fmt: skip
@click.option("--match-case", is_flag=True, help="Words only as they are written.")
@click.option("--encoding", "encodings", multiple=True, type=click.Choice(_ENCODINGS),
              help="Words only in this encoding. Repeatable; default: all of them.")  # fmt: skip
@click.option("--passphrases", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True),
              help="Passphrases of encrypted volumes, one a line; - asks for one.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=processors, envvar="EVIKIT_JOBS",
              help="Worker processes. Default: the processors there are, at most 8.")  # fmt: skip
@with_settings
def search(settings: Settings, ref: str, **options: Any) -> None:
    """Search the contents of exhibit REF: files, deleted ones too, slack, unallocated space and all the rest.

    It is one access: who searches and why is in the ledger before the evidence is opened, with the digest of the
    patterns; the patterns are kept with the case. `evikit hits` lists what was found. Needs the extra `search`.
    """
    from custody.holding import need_present
    from forensics.commands.passphrases import read_passphrases
    from forensics.commands.progress import progress

    if not options["purpose"].strip():
        raise CustodyError("the purpose is empty", "Say why the evidence is read: it stands in the ledger.")
    patterns = _patterns(options)
    patterns.validate()
    options["secrets"] = read_passphrases(options.pop("passphrases"))
    with writing(settings) as case, progress(settings, ref) as listener:
        found = _search(case, need_present(case, ref), patterns, options, listener)
    if settings.json:
        put_json(found)
    else:
        _tell(found)
    if found["problems"]:
        click.get_current_context().exit(PROBLEMS)


def _patterns(options: Mapping[str, Any]) -> Patterns:
    from forensics.search.patterns import Patterns

    words = [*options["words"]]
    for path in options["word_files"]:
        words += [line.strip() for line in _text(path).splitlines() if line.strip()]
    return Patterns(
        words=tuple(dict.fromkeys(words)),
        regexes=tuple(dict.fromkeys(options["regexes"])),
        rules=tuple((path.name, _text(path)) for path in options["rule_files"]),
        encodings=tuple(name for name in _ENCODINGS if name in (options["encodings"] or _ENCODINGS)),
        match_case=options["match_case"],
    )


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise CustodyError(f"{path} is not UTF-8: {error.reason}", "Save it as UTF-8.") from error


def _search(
    case: Case, exhibit: Exhibit, patterns: Patterns, options: Mapping[str, Any], listener: Listener
) -> dict[str, Any]:
    from custody.access import open_evidence
    from custody.attachments import keep_document
    from forensics.commands.places import place_of, run_of, state_read
    from forensics.results.searches import FOLDER, hits_by_pattern, manifest_rows, start_search
    from forensics.search.run import Ask

    run, target = run_of(case, exhibit), place_of(case, exhibit)
    kept = keep_document(case.receipts, "patterns.json", patterns.document())
    chosen = {"patterns": kept.sha256, "words": len(patterns.words), "regexes": len(patterns.regexes)}
    chosen |= {"rules": len(patterns.rules), "run": run.name}
    described = {name: str(value) for name, value in chosen.items()}
    with open_evidence(
        case,
        exhibit.n,
        target,
        purpose=options["purpose"],
        object_="search",
        settings=described | state_read(case, exhibit),
        manifests=case.receipts,
    ) as source:
        folder = start_search(case.path / FOLDER, exhibit.ref, described)
        ask = Ask(exhibit.ref, run, folder, patterns, options["jobs"], listener, options["secrets"])
        found = _found(source, target, ask)
        source.outcome.basis = "chunks"
        source.outcome.read_bytes = found["read_bytes"]
        digests = found.pop("digests")
        source.outcome.values["result_digests"] = [{"name": name, "sha256": value} for name, value in digests.items()]
        source.keep_manifest(manifest_rows(folder))
    counted = [
        {"kind": kind, "pattern": pattern, "rule": rule, "hits": hits}
        for kind, pattern, rule, hits in hits_by_pattern(folder)
    ]
    found["read_bytes"] = str(found["read_bytes"])
    return {"exhibit": exhibit.ref, "search": folder.name, "patterns": kept.sha256, **found, "by_pattern": counted}


def _found(source: Source, target: Target, ask: Any) -> dict[str, Any]:
    from forensics.commands.rehash import archive_in, image_in
    from forensics.examine.folder import LooseFiles
    from forensics.search.run import search_image, search_tree

    if target.is_folder:
        return search_tree(source, ask)
    if (archive := archive_in(source, workspace=ask.folder)) is not None:
        return search_tree(archive, ask)
    if image_in(source) is None:
        return search_tree(LooseFiles(source.parts), ask)
    return search_image(source.parts[0], source.open, ask)


def _tell(found: Mapping[str, Any]) -> None:
    put_facts(
        {
            "exhibit": found["exhibit"],
            "search": found["search"],
            "read": f"{int(found['read_bytes']):,} bytes",
            "hits": f"{found['hits']:,}" + (" (`evikit hits` lists them)" if found["hits"] else ""),
            "problems": f"{found['problems']:,}" + (" (recorded)" if found["problems"] else ""),
        }
    )
    if found["by_pattern"]:
        names = ("kind", "pattern", "rule", "hits")
        put_table(names, [[row[name] for name in names] for row in found["by_pattern"]], right=("hits",))


# --- what was found ------------------------------------------------------------------------------------------


@click.command()
@click.option("--exhibit", "ref", metavar="REF", default="", help="Only this exhibit.")
@click.option("--search", "search_name", metavar="SEARCH", default="", help="This search; else each exhibit's newest.")
@click.option("--area", type=click.Choice(_AREAS), default=None, help="Only hits that stand there.")
@click.option("--text", default="", help="Only where the pattern, the rule or the path holds this, in whatever case.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "jsonl"]), default="table", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a new file, and record its digest.")
@with_settings
def hits(settings: Settings, area: str | None, **options: Any) -> None:
    """List what was found: the pattern, where it stands, and the bytes around it. Opens no evidence."""
    from forensics.results.searches import hit_json
    from forensics.results.searches import hits as ask

    def asked(found: Sequence[Search], chosen: Filter) -> Any:
        return ask(found, chosen.exhibit, chosen.text, area or "")

    columns = [("id", 7), ("exhibit", 8), ("vol", 3), ("area", 11), ("offset", -12), ("on the medium", -14),
               ("encoding", 12), ("path", 30), ("context", 1)]  # fmt: skip
    forms = {"jsonl": json_lines(hit_json), "csv": csv_lines(hit_json)}
    answer(settings, options, Listing(asked, columns, _cells, forms, _searches))


def _searches(case: Case, options: Mapping[str, Any]) -> Sequence[Search]:
    from custody.exhibits import need_exhibit
    from forensics.results.searches import FOLDER, searches

    if options["ref"]:
        need_exhibit(case, options["ref"])
    found = searches(case.path / FOLDER, options["ref"], options["search_name"])
    if not found:
        raise CustodyError("nothing has been searched for yet", "Run `evikit search` first.")
    return found


def _cells(row: Mapping[str, Any]) -> Sequence[object]:
    from forensics.results.searches import hit_json

    shown = hit_json({**row, "before": row["before"][-16:], "match": row["match"][:64], "after": row["after"][:16]})
    around = f"{shown['before']}[{shown['match']}]{shown['after']}"
    what = around if shown["match"] else f"rule {shown['rule']}"
    names = ("id", "exhibit", "volume", "area", "offset", "medium_offset")
    encoding = shown["encoding"].partition("/")
    return (*(shown[name] for name in names), encoding[0] + ("/.." if encoding[1] else ""), shown["path"], what)
