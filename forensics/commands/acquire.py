"""`evikit acquire`: copy a device or file into verified images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import PROBLEMS, Settings, put_facts, put_json, remark, with_settings, writing
from forensics.commands.ingest import processors

if TYPE_CHECKING:
    from forensics.commands.acquired import Acquisition
    from forensics.commands.acquiring_files import FilesAcquired

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Size(click.ParamType):  # type: ignore[type-arg]  # generic in click's stubs only
    """Bytes, or a number with K, M or G (powers of 1024)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes that are meant."""
        if isinstance(value, int):
            return value
        number, unit = (value[:-1], value[-1:].upper()) if value[-1:].upper() in _UNITS else (value, "")
        if not number.isdecimal():
            self.fail(f"{value!r} is no size: write 4G, 640M, or bytes", param, ctx)
        return int(number) * _UNITS.get(unit, 1)


@click.command()
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path))
@click.option("--exhibit", "ref", metavar="REF", required=True, help="Exhibit reference, for example AH/1.")
@click.option("--purpose", required=True, help="Why the evidence is read: it stands in the ledger.")
@click.option("--format", type=click.Choice(["raw", "split", "e01", "aff4-l"]), default=None,
              help="What the images are. Default: e01; of a folder aff4-l.")  # fmt: skip
@click.option("--to", "folders", metavar="FOLDER", multiple=True, type=click.Path(path_type=Path),
              help="Where the image goes; may be given again for further images."
              " Default: a folder of the case.")  # fmt: skip
@click.option("--description", default="", help="What the exhibit is, for its registration and the image's header.")
@click.option("--notes", default="", help="Notes for the image's header (e01).")
@click.option("--method", default="", help="How the source is attached: it stands in the ledger.")
@click.option("--write-blocker", default="", help="The write blocker's model and serial number.")
@click.option("--writable", is_flag=True, help="Acquire although the source could be written to; it is recorded.")
@click.option("--hidden-areas", is_flag=True, help="Ask an ATA disk for areas it hides (HPA, DCO); it changes nothing.")
@click.option("--compression", type=click.Choice(["none", "fast", "best"]), default="fast", show_default=True,
              help="How hard e01 is deflated.")  # fmt: skip
@click.option("--segment-size", type=Size(), default=0, metavar="SIZE",
              help="Bytes of a segment at most, as 4G or 640M. Default: 1536M (e01), 2G (split).")  # fmt: skip
@click.option("--retries", type=click.IntRange(0, 100), default=2, show_default=True,
              help="How often an unreadable sector is tried again.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=processors, envvar="EVIKIT_JOBS",
              help="Threads that deflate. Default: the processors there are, at most 8.")  # fmt: skip
@with_settings
def acquire(settings: Settings, **options: Any) -> None:
    """Copy a block device or file into images, or a folder's files into a container, verified by reading them again.

    The intent is in the ledger before the first byte is read. What fails is read again in smaller steps; sectors
    that stay unreadable are zeros in the images and are listed. A stopped acquisition goes on with the same command.
    Nothing is ever written over.
    """
    from forensics.commands.acquiring import LOGICAL, AcquireOrder, acquire_exhibit
    from forensics.commands.acquiring_files import acquire_files
    from forensics.commands.progress import progress

    options["format"] = options["format"] or (LOGICAL if options["source"].is_dir() else "e01")
    order = AcquireOrder(**options)
    order.validate()
    done: Acquisition | FilesAcquired
    with writing(settings) as case, progress(settings, order.ref) as listener:
        if order.format == LOGICAL:
            done = acquire_files(case, order, listener)
        else:
            done = acquire_exhibit(case, order, listener)
    if settings.json:
        put_json(done.json_object())
    else:
        put_facts(done.facts())
        for line in done.remarks():
            remark(settings, f"note: {line}")
    if done.incomplete:
        click.get_current_context().exit(PROBLEMS)
