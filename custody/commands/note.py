"""`evikit note` and `evikit correct`: what the examiner has to say, and mistakes put right in the open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import Settings, put_facts, put_json, remark, with_settings, writing
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.case import Case, Recorded
    from custody.exhibits import Exhibit
    from custody.ledger.entry import Json


_OF_RESULT = ("run", "id", "volume", "path", "stream", "meta", "sha256", "length", "kind", "at", "meaning",
              "area", "key", "medium_offset")  # fmt: skip
"""What a note keeps of the result that it is about, besides offset and words."""


def _tell(settings: Settings, recorded: Recorded) -> None:
    facts = {"entry": str(recorded.index), "leaf": recorded.leaf.hex()}
    if settings.json:
        put_json(facts)
    else:
        put_facts(facts)


@click.command()
@click.argument("text")
@click.option("--exhibit", "ref", metavar="REF", help="The exhibit it is about; else it is about the case.")
@click.option("--kind", type=click.Choice(["observation", "opinion"]), default="observation", show_default=True)
@click.option("--of", "identity", default="", metavar="ID", help="The file, artefact, event or hit, by its id.")
@click.option("--path", default="", help="The file, as `evikit files` lists it; its digest and run are recorded too.")
@click.option("--volume", default="", help="The volume, where a path stands on several.")
@click.option("--meta", default="", help="The meta address (inode), where a name stands twice.")
@click.option("--offset", type=click.IntRange(min=0), help="Byte in that file; without --path, on the medium.")
@click.option("--event", default="", help="The record or event in a log, by its number.")
@click.option("--location", default="", help="Where, in words, as you would cite it.")
@click.option("--about", multiple=True, metavar="ENTRY", help="An entry it rests on: an opinion's observations.")
@click.option("--attach", "files", multiple=True, type=click.Path(path_type=Path), help="A document, kept by digest.")
@with_settings
def note(  # noqa: PLR0917 - one parameter an option
    settings: Settings, text: str, ref: str | None, kind: str, about: tuple[str, ...], files: tuple[Path, ...],
    **place: Any,
) -> None:  # fmt: skip
    """Record TEXT as an observation (what is there) or an opinion (what you make of it), signed by you."""
    from custody.attachments import keep_attachment
    from custody.exhibits import need_exhibit
    from custody.notes import Note, record_note
    from custody.transfers import validate_words

    validate_words("text", text)
    placed = any(value not in ("", None) for name, value in place.items() if name not in ("identity", "location"))
    if place["identity"] and placed:
        raise click.UsageError("--of says the place: leave --path, --volume, --meta, --offset and --event out")
    if placed and ref is None:
        raise click.UsageError("name the exhibit with --exhibit: a place is one on an exhibit")
    with writing(settings) as case:
        found = _result(case, ref, place["identity"]) if place["identity"] else {}
        about_ref = str(found["exhibit"]) if found else ref
        exhibit = need_exhibit(case, about_ref) if about_ref is not None else None
        for given in about:
            case.find_entry(given)  # before a document is kept
        location = _location(case, exhibit, place | found) if exhibit else place["location"] or None
        kept = [keep_attachment(case.receipts, path).described() for path in files]
        recorded = record_note(case, exhibit.n if exhibit else 0, Note(kind, text, location, kept, about))
    _tell(settings, recorded)
    if kind == "opinion" and not about:
        remark(settings, "note: an opinion names the observations it rests on: --about ENTRY")


def _result(case: Case, ref: str | None, identity: str) -> dict[str, Json]:
    """What the id of a result stands for: its exhibit, run and place."""
    from forensics.commands.places import result_place

    found = result_place(case, identity)
    if ref is not None and found["exhibit"] != ref:
        raise CustodyError(f"{identity} is of {found['exhibit']}, not of {ref}", "Leave --exhibit out with --of.")
    return found


def _location(case: Case, exhibit: Exhibit, place: dict[str, Any]) -> Json:
    """Words alone stay words; else an object, with what the run knows of the file, artefact or event."""
    from forensics.commands.places import listed, run_of

    found: dict[str, Json] = {}
    if place["identity"]:
        found = {name: place.get(name) for name in _OF_RESULT}
    elif place["path"]:
        run = run_of(case, exhibit)
        row = listed(run, place["path"], place["volume"], place["meta"])
        found = {name: row[name] for name in ("volume", "path", "stream", "meta", "sha256")} | {"run": run.name}
    elif place["volume"] or place["meta"]:
        found = {name: place[name] for name in ("volume", "meta")}
    found["offset"] = None if place["offset"] is None else str(place["offset"])
    found["event"] = place["event"]
    said = {name: value for name, value in found.items() if value not in ("", None)}
    if not said:
        return place["location"] or None
    return said | ({"words": place["location"]} if place["location"] else {})


@click.command()
@click.argument("entry")
@click.argument("field")
@click.option("--new", required=True, help="What the field should have said.")
@click.option("--reason", required=True, help="Why it was wrong.")
@with_settings
def correct(settings: Settings, entry: str, field: str, new: str, reason: str) -> None:
    """Correct FIELD of ENTRY (its number, or the beginning of its hash): a new entry that names the old one.

    A part of a field is named with a dot, as `evikit exhibit show` does: serial.model.
    """
    from custody.corrections import correct as record

    with writing(settings) as case:
        recorded = record(case, case.find_entry(entry), field, new, reason)
    _tell(settings, recorded)
