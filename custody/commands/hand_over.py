"""`evikit exhibit receive | receipt`, and the folder of an offer to another agency: custody that crosses ledgers."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import PROBLEMS, Settings, with_settings, writing
from custody.commands.transfer import (
    despite_option,
    no_media_option,
    read_offered,
    refuse_both,
    tell,
    uncompared,
    unread,
)
from custody.commands.trust import trust_from, trust_option

if TYPE_CHECKING:
    from custody.carried import Carried
    from custody.case import Case
    from custody.exhibits import Exhibit
    from custody.handover import Shipment
    from custody.holding import Offer
    from custody.transfers import Receiver
    from forensics.examine.request import Listener

BUNDLE, MEDIA, README = "bundle.json", "media", "README.txt"
"""What stands in a hand-over folder."""

_README = """\
HAND-OVER OF EXHIBIT {ref}

From     {giver}
To       {receiver}
Key      {key}
Case     {number}
Media    {media}

{bundle} shows everything recorded of this exhibit, and the offer. It proves itself, but brings no trust: read this
fingerprint out to each other on the telephone, on a number you know, and compare it.

  fingerprint   {fingerprint}
  ledger        {ledger}

To look at it, without any case, key or network:

  evikit bundle verify {bundle} --anchor {fingerprint}

To take the exhibit over into a case of your own, and send the receipt back:

  evikit exhibit receive FOLDER --seal NUMBER --condition "as found" --anchor {fingerprint} -o receipt.json

To refuse it: the same command with --refuse "the reason" in place of --seal and --condition.

SHA-256 of what is in this folder:

{files}
"""


def read_receiver(path: Path) -> Receiver:
    """Somebody of another agency, by the request file made where their key is."""
    from custody.commands.files import read_small
    from custody.enrolment import read_request
    from custody.transfers import Receiver

    asked = read_request(read_small(path))
    return Receiver(asked.public.id, asked.name, asked.facts["agency"])


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder that was not there, or is empty; one that was made is taken away again where nothing came into it."""
    from custody.ledger.errors import CustodyError

    try:
        path.mkdir(exist_ok=True)
        taken = any(path.iterdir())
    except OSError as error:
        raise CustodyError(f"{path} cannot be made: {error.strerror}", "Choose another folder.") from error
    if taken:
        raise CustodyError(f"{path} is not empty", "Choose a new folder: nothing is overwritten.")
    try:
        yield path
    finally:
        if not any(path.iterdir()):
            path.rmdir()


def offer_outside(  # noqa: PLR0917 - what, to whom, into which folder, with which words
    case: Case, exhibit: Exhibit, to: Receiver, folder: Path, words: dict[str, Any], copy_media: bool
) -> dict[str, Any]:
    """Offer to another agency and write the folder; of an offer to them that waits already only the folder."""
    from custody import handover, transfers
    from custody.holding import holding_of
    from custody.ledger.errors import CustodyError

    waiting = holding_of(case, exhibit.n).offer
    again = waiting is not None and waiting.to_key == to.key and bool(waiting.agency)
    if again and waiting is not None and any(words.values()):
        raise CustodyError(
            f"an offer to {waiting.receiver} waits already (entry {waiting.index}): what it says cannot be changed",
            "Leave seal, condition and note out to write its folder again, or withdraw it first.",
        )
    with new_folder(folder):
        if copy_media:
            _copy_media(case, exhibit, folder / MEDIA)
        index = waiting.index if again and waiting is not None else transfers.offer(case, exhibit, to, **words).index
        offered = transfers.open_offer(case, exhibit)
        handover.write_bundle(case, offered.receiver, [exhibit.n], folder / BUNDLE, handover.HAND_OVER)
        _write_readme(case, exhibit, offered, folder)
    return {
        "exhibit": exhibit.ref,
        "entry": str(index),
        "leaf": offered.leaf.hex(),
        "to": offered.receiver,
        "key": to.key.hex(),
        "seal": offered.seal,
        "folder": str(folder),
        "fingerprint": case.fingerprint(),
        "digest": dict(offered.digest),
    }


def _copy_media(case: Case, exhibit: Exhibit, folder: Path) -> None:
    from forensics.commands.copying import copy_parts
    from forensics.commands.places import place_of

    copy_parts(case, exhibit.n, "hand-over to another agency", place_of(case, exhibit), folder, "hand-over")


def _write_readme(case: Case, exhibit: Exhibit, offered: Offer, folder: Path) -> None:
    from custody.durable import write_durably

    files = []
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        with path.open("rb") as file:
            files.append(f"  {hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(folder)}")
    person = case.person
    media = "in the folder media" if (folder / MEDIA).exists() else "not in this folder: they come by themselves"
    text = _README.format(
        ref=exhibit.ref,
        giver=f"{person.name}, {person.agency}" if person else "",
        receiver=offered.receiver,
        key=offered.to_key.hex(),
        number=case.facts.get("number", ""),
        media=media,
        bundle=BUNDLE,
        fingerprint=case.fingerprint(),
        ledger=case.ledger.id.hex(),
        files="\n".join(files),
    )
    write_durably(folder / README, text.encode(), 0o644)


# --- taking over -----------------------------------------------------------------------------------------

_anchor = click.option("--anchor", "anchors", multiple=True, metavar="FILE|FINGERPRINT",
                       help="A checkpoint of theirs that you hold, or its fingerprint.")  # fmt: skip


def _carried(case: Case, path: Path, anchors: tuple[str, ...], trust: str | None) -> Carried:
    from custody.carried import read_carried
    from custody.disclose import read_bundle

    file = path / BUNDLE if path.is_dir() else path
    _need_plain(file)
    return read_carried(case, read_bundle(file), trust_from(anchors, trust))


def _need_plain(path: Path) -> None:
    """What was carried is files: a link may lead anywhere on this machine, a pipe waits for ever."""
    from custody.ledger.errors import CustodyError
    from custody.target import shown

    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise CustodyError(f"{shown(str(path))} cannot be read: {error.strerror}", "Was it carried whole?") from error
    if not stat.S_ISREG(mode):
        raise CustodyError(f"{shown(str(path))} is no plain file", "Ask for it again, and look who changed it.")


def _first_contact(carried: Carried) -> str:
    """What is to be told where nothing from outside says that their history is the one it always was."""
    if carried.verdict.anchored:
        return ""
    return (
        f"nothing you hold says that {carried.ledger[:16]} is their ledger: compare its fingerprint with them "
        "by another way, and give it with --anchor"
    )


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The receipt to write.")
@click.option("--ref", default="", help="Your own reference for it. Default: theirs.")
@click.option("--seal", metavar="NUMBER|none", help="The seal's number as you found it.")
@click.option("--condition", default="", help="The condition you found it in.")
@despite_option
@no_media_option
@click.option("--refuse", metavar="REASON", help="Do not take it over, and why.")
@_anchor
@trust_option
@with_settings
def receive(  # noqa: PLR0917 - one parameter an option
    settings: Settings, folder: Path, paths: tuple[Path, ...], output: Path, ref: str, seal: str | None,
    condition: str, despite: str | None, no_media: str | None, refuse: str | None,
    anchors: tuple[str, ...], trust: str | None,
) -> None:  # fmt: skip
    """Take over what another agency offers you in FOLDER, or refuse it; the receipt goes back to them.

    You read the media yourself: PATH, else those in the folder.
    """
    from custody import handover
    from custody.transfers import parse_seal
    from forensics.commands.progress import progress

    _validate(seal, condition, refuse)
    refuse_both(paths, no_media)
    need_new(output)
    with writing(settings) as case, progress(settings, folder.name) as listener:
        carried = _carried(case, folder, anchors, trust)
        shipment = handover.open_shipment(case, carried)
        said, told = [_first_contact(carried)], []
        before = handover.answered(case, shipment)
        if before is not None:
            handover.need_same_answer(case, before, refuse)
            told.append(f"it was answered already in entry {before.index}: only the receipt is written again")
            exhibit, index = handover.known_as(case, shipment), before.index
        elif refuse is not None:
            exhibit, index = None, handover.decline(case, shipment, refuse).index
        else:
            found = _Found(parse_seal(seal or ""), condition, despite, no_media)
            exhibit, index, more = _take(
                case, shipment, ref, _media(folder, paths, no_media, shipment.names), found, listener
            )
            said += more
        shown = [exhibit.n] if exhibit is not None and refuse is None else []
        handover.write_bundle(case, shipment.agency or "the giver", shown, output, handover.RECEIPT)
        facts = {
            "exhibit": exhibit.ref if exhibit else "",
            "outcome": "accepted" if refuse is None else "refused",
            "entry": str(index),
            "from": shipment.agency,
            "their exhibit": shipment.there.exhibit.ref,
            "receipt": str(output),
            "fingerprint": case.fingerprint(),
        }
    _finish(settings, facts, said, told)


def _finish(settings: Settings, facts: dict[str, Any], problems: list[str], told: list[str]) -> None:
    """What was done; exit code 4 where something about it should be known."""
    wrong = [line for line in problems if line]
    tell(settings, facts, (*wrong, *told))
    if wrong:
        click.get_current_context().exit(PROBLEMS)


def _validate(seal: str | None, condition: str, refuse: str | None) -> None:
    from custody.transfers import parse_seal, validate_words

    if refuse is not None:
        if seal is not None or condition:
            raise click.UsageError("refuse it with a reason, or take it with seal and condition; not both")
        validate_words("reason", refuse)
        return
    if seal is None or not condition:
        raise click.UsageError("say with --seal and --condition how you found it, or why not with --refuse")
    parse_seal(seal)
    validate_words("condition", condition)


def need_new(output: Path) -> None:
    """Refuse a place for the receipt before anything is recorded."""
    from custody.ledger.errors import CustodyError

    if output.exists():
        raise CustodyError(f"{output} exists already", "Choose another name: nothing is overwritten.")
    if not output.absolute().parent.is_dir():
        raise CustodyError(f"there is no folder {output.parent}", "Make it first, or choose another place.")


def _media(folder: Path, paths: tuple[Path, ...], no_media: str | None, names: list[str]) -> tuple[Path, ...]:
    """The files to read: those named, else those in the folder; none where it was said that nothing is read.

    Of the folder those that the giver read by these `names`; what a carrier's system left beside them is let be.
    """
    from custody.ledger.errors import CustodyError

    if no_media is not None:
        return ()
    inside = folder / MEDIA
    if paths or not (folder.is_dir() and inside.is_dir()):
        found = paths
    elif all(name == Path(name).name for name in names):  # a name from elsewhere leads nowhere else
        found = tuple(inside / name for name in names) or tuple(sorted(inside.iterdir()))
        for path in found:
            _need_plain(path)
    else:
        found = ()
    if not found:
        advice = "Name them with PATH, or say with --no-media why there is nothing to read."
        raise CustodyError("there are no media in the folder", advice)
    return found


@dataclass(frozen=True, slots=True)
class _Found:
    """How the receiver says they found it."""

    seal: str
    condition: str
    despite: str | None
    no_media: str | None


def _take(  # noqa: PLR0917 - what, as what, from where, found how
    case: Case, shipment: Shipment, ref: str, files: tuple[Path, ...], found: _Found, listener: Listener
) -> tuple[Exhibit, int, list[str]]:
    """Take the exhibit over: the exhibit here, the entry, and what should be known."""
    from custody import handover, transfers
    from custody.target import Target
    from forensics.commands.rehash import Expected

    offer = shipment.offer
    said = [transfers.compare_seal(shipment.there.seal, found.seal, found.despite), unread(offer, found.no_media)]
    exhibit, reading = handover.announce(case, shipment, ref), None
    if found.no_media is None:
        expected = Expected(offer.digest, shipment.files)
        reading = read_offered(case, exhibit.n, offer, Target.locate(files), expected, listener)
        said.append(uncompared(reading))
    remarks = [_first_contact(shipment.carried), *said]
    whole = transfers.Found(found.seal, found.condition, reading, tuple(filter(None, remarks)))
    recorded = handover.receive(case, exhibit, shipment, whole)
    return exhibit, recorded.index, [line for line in said if line != found.no_media]


# --- the receipt -----------------------------------------------------------------------------------------


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@_anchor
@trust_option
@click.option("--despite", metavar="REASON", help="Record that they hold it, although the offer was withdrawn.")
@with_settings
def receipt(settings: Settings, file: Path, anchors: tuple[str, ...], trust: str | None, despite: str | None) -> None:
    """Record the receipt that came back for an exhibit handed over to another agency."""
    from custody import handover
    from custody.holding import holding_of

    with writing(settings) as case:
        answer = handover.read_answer(case, _carried(case, file, anchors, trust))
        before = handover.recorded_answer(case, answer)
        index = before.index if before is not None else handover.record_answer(case, answer, despite).index
        now = holding_of(case, answer.exhibit)
    facts = {
        "exhibit": now.exhibit.ref,
        "outcome": "accepted" if answer.accepted else "refused",
        "by": answer.receiver,
        "entry": str(index),
        "reason": str(answer.values.get("reason") or ""),
    }
    again = [f"it was recorded already in entry {index}"] if before is not None else []
    _finish(settings, facts, [_first_contact(answer.carried)], again)


COMMANDS = (receive, receipt)
"""What belongs to the group `evikit exhibit`."""
