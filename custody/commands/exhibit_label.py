"""`evikit exhibit label`: labels and bag forms to print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.commands.files import write_outside
from custody.commands.screen import Settings, put_facts, put_json, remark, with_settings, writing

if TYPE_CHECKING:
    from custody.case import Case
    from custody.holding import Holding
    from custody.report.label import Label

SIZES = ("a4", "a6", "roll")


@click.command()
@click.argument("refs", metavar="REF...", nargs=-1, required=True)
@click.option("--size", type=click.Choice(SIZES), default="a4", show_default=True,
              help="a4: the bag form; a6: a card; roll: a label of 62 x 100 mm.")  # fmt: skip
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A new HTML file.")
@with_settings
def label(settings: Settings, refs: tuple[str, ...], size: str, output: Path) -> None:
    """Write labels or bag forms of exhibits REF to print from a browser, with a QR code each.

    The code carries case number, reference, seal and the ledger's fingerprint. That it was made is recorded.
    """
    from custody.disclose import register_document
    from custody.holding import holding_of, need_present
    from custody.ledger.errors import CustodyError
    from custody.report.label import render

    if len(set(refs)) != len(refs):
        raise click.UsageError("an exhibit is named twice")
    if output.exists():
        raise CustodyError(f"{output} exists already", "Choose another name: nothing is overwritten.")
    with writing(settings) as case:
        chosen = [holding_of(case, need_present(case, ref).n) for ref in refs]
        case.seal()  # the fingerprint covers what was registered just now, where the ledger's keys are here
        labels = [_label(case, now) for now in chosen]
        newer = ", ".join(now.exhibit.ref for now in chosen if now.index >= case.covered())
        page = render(labels, size)
        write_outside(output, page)
        register_document(case, "", "label", output.name, page)
    facts = {"file": str(output), "size": size, "exhibits": list(refs), "fingerprint": labels[0].fingerprint}
    if settings.json:
        put_json(facts)
    else:
        put_facts({**facts, "exhibits": ", ".join(refs)})
    if newer:
        remark(settings, f"note: the fingerprint does not cover {newer} yet: who keeps the ledger's key makes it cover")


def _label(case: Case, now: Holding) -> Label:
    from custody.corrections import as_corrected
    from custody.opened import mapping, text, values_of
    from custody.registration import form_of
    from custody.report.label import Label

    rows = list(case.ledger.rows_in(now.exhibit.n))
    facts = mapping(values_of(next(case.ledger.rows(0, 1))).get("case"))
    return Label(
        number=text(facts.get("number")),
        agency=text(facts.get("agency")),
        ref=now.exhibit.ref,
        seal=now.seal,
        holder=now.holder_name,
        fields=[(field.name, field.words, value) for field, value in form_of(as_corrected(rows[0], rows), now.storage)],
        fingerprint=case.fingerprint(),
        size=case.covered(),
        exercise=case.genesis.pub["kind"] == "exercise",
    )
