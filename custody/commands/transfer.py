"""`evikit exhibit offer | accept | refuse | withdraw`: handing over, and taking over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import PROBLEMS, Settings, put_facts, put_json, remark, with_settings, writing

if TYPE_CHECKING:
    from custody.case import Case, Recorded
    from custody.exhibits import Exhibit
    from custody.holding import Offer
    from custody.target import Target
    from custody.transfers import OwnReading
    from forensics.commands.rehash import Expected
    from forensics.examine.request import Listener

seal_option = click.option("--seal", required=True, metavar="NUMBER|none", help="The seal's number as you found it.")
condition_option = click.option("--condition", required=True, help="The condition you found it in.")
despite_option = click.option("--despite", metavar="REASON", help="Take it although the seal is not the one on record.")
no_media_option = click.option("--no-media", metavar="REASON", help="Read no media, and why there is nothing to read.")
reason_option = click.option("--reason", required=True, help="Why: it stands in the ledger.")


def tell(settings: Settings, facts: Mapping[str, Any], remarks: tuple[str, ...] = ()) -> None:
    """One result: JSON, or aligned lines and then what has to be remarked."""
    if settings.json:
        put_json({**facts, "remarks": list(remarks)})
        return
    digests = {f"  {name}": value for name, value in facts.get("digest", {}).items()}
    shown = {name: value for name, value in facts.items() if value and name != "digest"}
    put_facts(shown | ({"digests": ", ".join(facts["digest"])} if digests else {}) | digests)
    for line in remarks:
        remark(settings, f"note: {line}")


def _entry(exhibit: Exhibit, recorded: Recorded) -> dict[str, Any]:
    return {"exhibit": exhibit.ref, "entry": str(recorded.index), "leaf": recorded.leaf.hex()}


@click.command()
@click.argument("ref")
@click.option("--to", "name", metavar="NAME|KEY", help="A person of this case.")
@click.option(
    "--outside",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Somebody of another agency: their request file, from `evikit person request`.",
)
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="With --outside: the folder to write, which is carried to them.",
)
@click.option("--copy-media", is_flag=True, help="With --outside: put the exhibit's files into the folder as well.")
@click.option("--seal", default=None, metavar="NUMBER|none", help="The seal's number, which must be the one on record.")
@click.option("--condition", default="", help="The condition it is in.")
@click.option("--note", default="", help="What else should be known.")
@with_settings
def offer(  # noqa: PLR0917 - one parameter an option
    settings: Settings, ref: str, name: str | None, outside: Path | None, output: Path | None, copy_media: bool,
    seal: str | None, condition: str, note: str,
) -> None:  # fmt: skip
    """Offer exhibit REF to somebody. It stays yours until they accept, each by an entry of their own.

    Somebody of another agency (--outside) takes it into a case of their own; a folder is written that is carried there.
    """
    from custody import transfers
    from custody.commands.hand_over import offer_outside, read_receiver
    from custody.exhibits import need_exhibit

    _need_one_receiver(name, outside, output, copy_media)
    words: dict[str, Any] = {
        "seal": transfers.parse_seal(seal) if seal is not None else None,
        "condition": condition,
        "note": note,
    }
    there = read_receiver(outside) if outside is not None else None
    with writing(settings) as case:
        exhibit = need_exhibit(case, ref)
        if there is not None and output is not None:
            facts = offer_outside(case, exhibit, there, output, words, copy_media)
        else:
            member = case.roster().find(name or "")
            recorded = transfers.offer(case, exhibit, transfers.Receiver(member.key, member.name), **words)
            offered = transfers.open_offer(case, exhibit)
            facts = {**_entry(exhibit, recorded), "to": member.name, "key": member.key.hex(), "seal": offered.seal}
            facts["digest"] = offered.digest
    tell(settings, facts)


def _need_one_receiver(name: str | None, outside: Path | None, output: Path | None, copy_media: bool) -> None:
    if (name is None) == (outside is None):
        raise click.UsageError("say who takes it: --to somebody of this case, or --outside somebody elsewhere")
    if outside is not None and output is None:
        raise click.UsageError("--outside needs the folder to write: -o FOLDER")
    if outside is None and (output is not None or copy_media):
        raise click.UsageError("-o and --copy-media are for --outside: within a case nothing is carried")


@click.command()
@click.argument("ref")
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(path_type=Path))
@seal_option
@condition_option
@despite_option
@no_media_option
@with_settings
def accept(  # noqa: PLR0917 - one parameter an option
    settings: Settings, ref: str, paths: tuple[Path, ...], seal: str, condition: str,
    despite: str | None, no_media: str | None,
) -> None:  # fmt: skip
    """Take over exhibit REF, which is offered to you.

    You read its media yourself: PATH, else where they were read last. The reading answers the offer's challenge, so
    that it cannot be copied from the record.
    """
    from custody import transfers
    from custody.exhibits import need_exhibit
    from forensics.commands.progress import progress
    from forensics.commands.rehash import Expected

    number = transfers.parse_seal(seal)
    transfers.validate_words("condition", condition)
    refuse_both(paths, no_media)
    with writing(settings) as case, progress(settings, ref) as listener:
        exhibit = need_exhibit(case, ref)
        now, offered = transfers.need_acceptable(case, exhibit)
        remarks = [transfers.compare_seal(now.seal, number, despite), unread(offered, no_media)]
        reading = None
        if no_media is None:
            target = place_given(case, exhibit, paths)
            reading = read_offered(case, exhibit.n, offered, target, Expected(offered.digest), listener)
            remarks.append(uncompared(reading))
        said = tuple(filter(None, remarks))
        recorded = transfers.accept(case, exhibit, offered, transfers.Found(number, condition, reading, said))
    told = tuple(line for line in said if line != no_media)
    tell(settings, _entry(exhibit, recorded) | {"seal": number, "digest": reading.digests if reading else {}}, told)
    if told:
        click.get_current_context().exit(PROBLEMS)


def refuse_both(paths: tuple[Path, ...], no_media: str | None) -> None:
    """Media are named, or it is said why there are none."""
    from custody.transfers import validate_words

    if paths and no_media is not None:
        raise click.UsageError("name the media, or say with --no-media why there are none; not both")
    if no_media is not None:
        validate_words("reason", no_media)


def unread(offered: Offer, no_media: str | None) -> str:
    """What is put on record where nothing is read."""
    if no_media is None:
        return ""
    return f"the media were not read, although their digest was offered: {no_media}" if offered.digest else no_media


def uncompared(reading: OwnReading) -> str:
    """What is to be told of a reading that had nothing to be held against."""
    return "" if reading.match else "no digest was offered to compare the media with"


def place_given(case: Case, exhibit: Exhibit, paths: tuple[Path, ...]) -> Target:
    """The files named, else those the exhibit was last read from."""
    from custody.ledger.errors import CustodyError
    from custody.target import Target
    from forensics.commands.places import place_of

    if paths:
        return Target.locate(paths)
    try:
        return place_of(case, exhibit)
    except CustodyError as error:
        advice = "Name the media with PATH, or say with --no-media why there is nothing to read."
        raise CustodyError(str(error), advice) from error


def read_offered(  # noqa: PLR0917 - what is read, for which offer, held against what
    case: Case, n: int, offered: Offer, target: Target, expected: Expected, listener: Listener
) -> OwnReading:
    """The receiver's own reading of what is offered; IntegrityError where it is something else."""
    from custody.ledger.errors import CustodyError, IntegrityError
    from custody.transfers import reading_for
    from forensics.commands.rehash import compare_media

    read = reading_for(case, n, offered.leaf, target) or compare_media(
        case, n, target, expected, listener,
        challenge=offered.challenge, settings={"offer": offered.leaf.hex()}, keep=True,
    )  # fmt: skip
    if read.match is False:
        raise IntegrityError(
            f"these are not the media that were offered: {read.problem or 'their digests differ'}",
            "It is recorded, nothing was taken over. Find the right files, or refuse the exhibit.",
        )
    if read.fresh is None:
        raise CustodyError(f"the media cannot be read whole: {read.problem}", "Read them from another copy, or refuse.")
    return read


@click.command()
@click.argument("ref")
@reason_option
@with_settings
def refuse(settings: Settings, ref: str, reason: str) -> None:
    """Refuse exhibit REF, which is offered to you. It stays with who offered it."""
    from custody import transfers
    from custody.exhibits import need_exhibit

    with writing(settings) as case:
        exhibit = need_exhibit(case, ref)
        recorded = transfers.refuse(case, exhibit, reason)
    tell(settings, _entry(exhibit, recorded))


@click.command()
@click.argument("ref")
@reason_option
@with_settings
def withdraw(settings: Settings, ref: str, reason: str) -> None:
    """Take back your offer of exhibit REF, as long as it has no answer."""
    from custody import transfers
    from custody.exhibits import need_exhibit

    with writing(settings) as case:
        exhibit = need_exhibit(case, ref)
        recorded = transfers.withdraw(case, exhibit, reason)
    tell(settings, _entry(exhibit, recorded))


COMMANDS = (offer, accept, refuse, withdraw)
"""What belongs to the group `evikit exhibit`."""
