"""`evikit report`: the court report and the bundle that proves it."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from custody.commands.certificates import templates_from, write_certificates
from custody.commands.documents import BUNDLE, PAGE, PAPER, Order, make_report, named, superseded_report
from custody.commands.exports import FORMS, bag_from, write_exports
from custody.commands.screen import INTEGRITY, Settings, passphrase, put_facts, put_json, remark, with_settings, writing
from custody.commands.signing import signing_from
from custody.commands.trust import trust_from, trust_option, trusted_from
from custody.ledger.errors import CustodyError
from custody.report.language import ENGLISH, LANGUAGES


@click.command()
@click.option("-o", "--output", "folder", required=True, type=click.Path(path_type=Path), help="A new folder.")
@click.option("--for", "recipient", default="the court", show_default=True, help="Who it is for: it is recorded.")
@click.option("--language", "languages", multiple=True, type=click.Choice(LANGUAGES), default=[ENGLISH],
              help="Also a translation of the report, marked as one; the English report is always made.")  # fmt: skip
@click.option("--export", "exports", multiple=True, type=click.Choice(FORMS),
              help="Also for other programs: CASE/UCO, the custody table, the list of files.")  # fmt: skip
@click.option("--certificate", "certificates", multiple=True, metavar="NAME|FILE",
              help="Also a certificate: us-902-13, us-902-14, ew-statement, coe-generic, or a file.")  # fmt: skip
@click.option("--bag", multiple=True, metavar="REF", help="Also a BagIt bag of this exhibit and the documents.")
@click.option("--purpose", metavar="TEXT", help="With --bag: why the exhibits are read.")
@click.option("--sign", is_flag=True, help="Sign report.pdf by the case's own authority.")
@click.option("--sign-with", metavar="FILE", help="Sign report.pdf with the certificate in a PKCS#12 file.")
@click.option(
    "--timestamp", metavar="URL", help="With a signature: the authority that time-stamps it; --trust names it."
)
@click.option(
    "--supersedes", type=click.Path(path_type=Path), help="The earlier report (its folder) that this one replaces."
)
@click.option("--view", is_flag=True, help="Then show report.html in a browser of this machine, until it is stopped.")
@trust_option
@with_settings
def report(settings: Settings, folder: Path, recipient: str, supersedes: Path | None, **options: Any) -> None:
    """Write report.html, report.pdf, bundle.json, fingerprint.txt and verify.py into a new folder.

    The bundle is verified as a stranger would, and the report is made from nothing else, but for the results of the
    examination, which are held against the digests in the ledger. That it was made, and for whom, is recorded.
    """
    from custody.report.handed import VERIFIER

    languages = tuple(dict.fromkeys(tag for tag in options["languages"] if tag != ENGLISH))
    order = Order(folder, recipient, trust_from((), options["trust"]), trusted_from(options["trust"]), languages)
    templates = templates_from(options["certificates"])
    signing, bag = signing_from(options, order.trusted), bag_from(options)
    if signing is not None and find_spec("pyhanko") is None:
        raise CustodyError("signing needs the extra `pdf`", "pip install 'evikit[pdf]'")
    if folder.exists() and any(folder.iterdir()):
        raise CustodyError(f"{folder} is not empty", "Choose a new folder: nothing is overwritten.")
    folder.mkdir(parents=True, exist_ok=True)
    ask = cache(passphrase)
    with writing(settings, ask) as case:
        earlier = superseded_report(case, supersedes)
        signature = signing.ready(case, ask) if signing is not None else None
        if bag is not None:
            bag.copy_exhibits(case, folder)
        try:
            made = make_report(case, order, earlier, signature)
        except CustodyError:
            if bag is not None:
                bag.discard(folder)
            raise
        exported = write_exports(case, folder, recipient, made.report, options["exports"])
        exported |= write_certificates(case, folder, recipient, made.report, templates)
        if bag is not None:
            exported["bag"] = bag.finish(case, folder, recipient, made.report)
    facts: dict[str, Any] = {"verdict": str(made.verdict.result), "report": str(folder / PAGE)}
    facts |= {"pdf": str(folder / PAPER)} if made.paper else {}
    facts |= {tag: str(folder / named(PAGE, tag)) for tag in languages}
    facts |= exported
    facts |= {"bundle": str(folder / BUNDLE), "verifier": str(folder / VERIFIER), "fingerprint": made.fingerprint}
    if settings.json:
        put_json(facts)
    else:
        put_facts(facts)
        remark(settings, "Lodge the fingerprint with the court, by another way than the report itself.")
    if not made.paper:
        remark(settings, "No report.pdf: it needs the extra `pdf` (pip install 'evikit[pdf]').")
    if options["view"]:
        _view(settings, folder / PAGE)
    if made.verdict.failed:
        click.get_current_context().exit(INTEGRITY)


def _view(settings: Settings, page: Path) -> None:
    """Serve the page to this machine and open it, until the command is stopped. Nothing else is served."""
    import webbrowser

    from custody.report.view import Viewer

    with Viewer(page.read_bytes()) as server:
        remark(settings, f"{server.url} shows it, on this machine alone, until Ctrl-C.")
        webbrowser.open(server.url)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
