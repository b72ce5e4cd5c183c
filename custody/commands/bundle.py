"""`evikit bundle`: the disclosed part of a ledger as one file that proves itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import (
    INTEGRITY,
    Settings,
    moment,
    put_facts,
    put_json,
    put_table,
    remark,
    settled,
    with_settings,
    writing,
)
from custody.commands.trust import Held, anchor_option, cosigned_option, trust_option, trusted_from
from custody.commands.verdicts import put_verdict
from custody.commands.verified import verified_bundle
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.case import Case
    from custody.ledger.bundle import Disclosed
    from custody.ledger.disclosure import ShownRow
    from custody.timestamp.interval import Times
    from custody.withholding import Withholding


@click.group()
@settled
def bundle() -> None:
    """Make, verify or show a bundle. Verifying needs no case, no key and no network."""


@bundle.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--for", "recipient", required=True, help="Who it is for: it is recorded.")
@click.option("--exhibit", "refs", multiple=True, metavar="REF", help="Only these exhibits (and governance).")
@click.option("--from", "start", metavar="TIME", help="Only exhibits with entries of this period, and only these open.")
@click.option("--to", "end", metavar="TIME", help="Before this time.")
@click.option("--withhold", multiple=True, metavar="FIELD",
              help="A field to keep closed, or names, paths, purposes; it is counted as withheld.")  # fmt: skip
@click.option("--rules", type=click.Path(path_type=Path), help="A rule file (TOML) that says what to keep closed.")
@click.option("--blind", is_flag=True, help="All entries, none of them opened: for a court's blind audit.")
@click.option("--supersedes", type=click.Path(path_type=Path), help="The earlier document that this one replaces.")
@click.option("--file", "shown_files", multiple=True, metavar="REF:PATH", help="Prove that this one file was read.")
@click.option("--since", multiple=True, metavar="CHECKPOINT", type=click.Path(path_type=Path),
              help="Also prove that this older checkpoint is part of the history.")  # fmt: skip
@with_settings
def create(settings: Settings, output: Path, recipient: str, **options: Any) -> None:
    """Write a bundle; that it was made, and for whom, is an entry of its own."""
    from custody.disclose import Disclosure, disclose, exhibits_within, kept_size, superseded
    from custody.exhibits import need_exhibit
    from custody.ledger.note import parse_note
    from custody.report.handed import VERIFIER, beside_bundle

    if options["blind"] and any(options[name] for name in ("refs", "shown_files", "start", "end", "withhold", "rules")):
        raise click.UsageError("--blind shows all entries and opens none: it goes with no other choice")
    with writing(settings) as case:
        withhold = _withholding(case, options)
        numbers = [need_exhibit(case, ref).n for ref in options["refs"]] or None
        if withhold.start or withhold.end:
            numbers = exhibits_within(case, withhold, numbers)
        disclosure = Disclosure(
            recipient,
            numbers,
            withhold,
            rows=_rows(case, options["shown_files"]),
            since=[kept_size(path) for path in options["since"]],
            supersedes=superseded(case, options["supersedes"]) if options["supersedes"] else None,
            beside=beside_bundle(),
        )
        data = disclose(case, disclosure, output)
        covered = parse_note(_checkpoint(data)).checkpoint.size
        facts: dict[str, Any] = {"bundle": str(output), "bytes": str(len(data)), "entries": str(covered)}
        facts |= {"verifier": str(output.with_name(VERIFIER)), "fingerprint": fingerprint_of(data)}
    counts = dict(sorted(withhold.counts.items()))
    if settings.json:
        put_json({**facts, "withheld": {name: str(number) for name, number in counts.items()}})
    else:
        put_facts(facts | {f"withheld by {name}": f"{number} fields" for name, number in counts.items()})


def _withholding(case: Case, options: Mapping[str, Any]) -> Withholding:
    from custody.exhibits import need_exhibit
    from custody.moment import claimed
    from custody.withholding import Withholding, option_rule, read_rules
    from forensics.commands.listings import parse_time

    start, end = (parse_time(options[name]) for name in ("start", "end"))
    if start is not None and end is not None and start >= end:
        raise CustodyError("the period ends before it begins", "--from is the earlier one.")
    rules = option_rule(options["withhold"])
    if options["rules"] is not None:
        try:
            written = options["rules"].read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CustodyError(f"the rule file {options['rules']} cannot be read", "Check the path.") from error
        rules += read_rules(written, lambda ref: need_exhibit(case, ref).n)
    first, last = ("" if moment is None else claimed(moment) for moment in (start, end))
    return Withholding(rules, first, last, blind=options["blind"])


def _checkpoint(data: bytes) -> bytes:
    from custody.ledger.bundle import decode_bundle

    return str(decode_bundle(data)["checkpoint"]).encode()


def fingerprint_of(data: bytes) -> str:
    """The fingerprint of a bundle's own checkpoint."""
    from custody.ledger.note import fingerprint, parse_note

    return fingerprint(parse_note(_checkpoint(data)).checkpoint)


def _rows(case: Case, files: tuple[str, ...]) -> list[ShownRow]:
    from custody.disclose import row_of
    from custody.exhibits import need_exhibit

    rows: list[ShownRow] = []
    for item in files:
        ref, _, path = item.partition(":")
        rows += row_of(case, need_exhibit(case, ref).n, path)
    return rows


@bundle.command()
@click.argument("file", type=click.Path(path_type=Path))
@anchor_option
@trust_option
@cosigned_option
@with_settings
def verify(settings: Settings, file: Path, **brought: Any) -> None:
    """Verify a bundle by itself. Trust comes from your anchor, never from the bundle."""
    found = verified_bundle(file, Held(**brought))
    put_verdict(settings, found)
    if found.verdict.failed:
        click.get_current_context().exit(INTEGRITY)


@bundle.command()
@click.argument("file", type=click.Path(path_type=Path))
@trust_option
@with_settings
def show(settings: Settings, file: Path, trust: str | None) -> None:
    """Show what a bundle discloses. It is verified first; what does not verify is not shown."""
    from custody.disclose import read_bundle
    from custody.ledger.bundle import verify_bundle
    from custody.ledger.errors import IntegrityError
    from custody.ledger.verdict import Trust
    from custody.timestamp.record import judge_bundle

    data = read_bundle(file)
    verdict, found = verify_bundle(data, Trust())
    times = judge_bundle(data, found, verdict, trusted_from(trust))
    if found is None or verdict.failed:
        raise IntegrityError("the bundle does not verify", f"evikit bundle verify {file} says why.")
    shown = [_line(item, found.erased.get(item.leaf, set()), times) for item in found.entries]
    if settings.json:
        for line in shown:
            put_json(line)
        return
    proved = ["proved after", "before (UTC)"] if times else []
    put_table(
        ["entry", "what", "claimed (UTC)", *proved, "who", "fields shown", "withheld", "erased"],
        (
            (
                line["index"],
                line["type"],
                moment(str(line["fields"].get("claimed_at") or "")),
                *[moment(line[side]) for side in ("not_before", "not_after") if proved],
                line["fields"].get("actor") or "",
                sum(value is not None for value in line["fields"].values()),
                len(line["withheld"]),
                len(line["erased"]),
            )
            for line in shown
        ),
        right=["entry", "fields shown", "withheld", "erased"],
    )


@bundle.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@with_settings
def page(settings: Settings, output: Path) -> None:
    """Write an empty verifier page: whoever opens it chooses a bundle, and their browser verifies it."""
    from hashlib import sha256

    from custody.report.html import render_verifier
    from custody.report.live import script_sha256

    data = render_verifier()
    _write_new(output, data)
    facts: dict[str, Any] = {"page": str(output), "sha256": sha256(data).hexdigest(), "script": script_sha256()}
    if settings.json:
        put_json(facts)
    else:
        put_facts(facts)
        remark(settings, "Lodge the page or its SHA-256 with the court before there is a dispute.")


@bundle.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@with_settings
def verifier(settings: Settings, output: Path) -> None:
    """Write verify.py, which verifies a bundle with Python alone: the file that lies beside every bundle."""
    from hashlib import sha256

    from custody.report.handed import verifier as source

    data = source()
    _write_new(output, data)
    facts = {"verifier": str(output), "sha256": sha256(data).hexdigest()}
    if settings.json:
        put_json(facts)
    else:
        put_facts(facts)
        remark(settings, "Lodge the file or its SHA-256 with the court before there is a dispute.")


def _write_new(output: Path, data: bytes) -> None:
    from custody.durable import write_durably

    if output.exists():
        raise CustodyError(f"{output} exists already", "Choose another name: nothing is overwritten.")
    try:
        write_durably(output, data, 0o644)
    except OSError as error:
        raise CustodyError(f"{output} cannot be written: {error.strerror}", "Check the path.") from error


def _line(item: Disclosed, erased: Collection[str], times: Times) -> dict[str, Any]:
    """An entry as `bundle show` tells it: what is erased is told apart from what this bundle keeps closed."""
    closed = item.entry.commits.keys() - item.openings.keys()
    return {
        "index": item.index,
        "entry": item.leaf.hex(),
        "type": item.entry.type,
        **times.of(item).written(),
        "fields": {name: opening.value for name, opening in item.openings.items()},
        "withheld": sorted(closed - set(erased)),
        "erased": sorted(closed & set(erased)),
    }
