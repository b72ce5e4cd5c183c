"""`evikit exhibit relocate`: an image that was moved to other storage, read there and found to be the same."""

from __future__ import annotations

from pathlib import Path

import click

from custody.commands.exhibit_changes import tell
from custody.commands.screen import Settings, remark, with_settings, writing


@click.command()
@click.argument("ref")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--reason", default="", help="Why it was moved.")
@with_settings
def relocate(settings: Settings, ref: str, paths: tuple[Path, ...], reason: str) -> None:
    """Record that the image or files of exhibit REF are kept at PATH from now on.

    They are read whole there, as an access of its own; only what has the digests on record is the exhibit.
    """
    from custody.holding import need_present
    from custody.target import Target
    from forensics.commands.progress import progress
    from forensics.commands.relocation import relocated

    target = Target.locate(paths)
    with writing(settings) as case:
        exhibit = need_present(case, ref)
        with progress(settings, ref) as listener:
            found = relocated(case, exhibit, target, reason, listener)
    if found.left:
        remark(settings, f"note: the files are still at the old place too: {found.left}")
    digest = found.digests if settings.json else found.digests.get("sha256", "")
    facts = {"exhibit": exhibit.ref, "from": ", ".join(found.old), "to": ", ".join(found.new), "digest": digest}
    tell(settings, exhibit, found.done, facts)
