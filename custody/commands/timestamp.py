"""`evikit ledger timestamp`: when checkpoints existed, by the word of authorities outside (RFC 3161)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import (
    Settings,
    moment,
    put_facts,
    put_json,
    put_table,
    reading,
    remark,
    settled,
    with_settings,
    write_new,
    writing,
)
from custody.commands.trust import trust_option, trusted_from
from custody.commands.verdicts import stamp_lines
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.case import Case
    from custody.timestamp.interval import Placed, Times, Trusted
    from custody.timestamp.token import Request, Stamp

DAY = 86_400 * 1_000_000_000
_url = click.option("--url", "urls", multiple=True, metavar="URL",
                    help="An authority's address. May be given several times.")  # fmt: skip


@click.group()
@settled
def timestamp() -> None:
    """Time-stamps of outside authorities over checkpoints (RFC 3161): by network, or by carried files."""


@timestamp.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The request to write.")
@with_settings
def request(settings: Settings, output: Path) -> None:
    """Write a request over the newest checkpoint, to be carried to an authority. It shows nothing of the case."""
    with reading(settings) as case:
        _request(settings, case, output)


def _request(settings: Settings, case: Case, output: Path) -> None:
    from custody.ledger.note import fingerprint
    from custody.timestamp.record import newest_head
    from custody.timestamp.token import Request

    head = newest_head(case)
    if waiting := case.ledger.size - head.size:
        remark(settings, f"{waiting} entries are not under this checkpoint: `evikit ledger checkpoint` covers them.")
    write_new(output, Request.make(head.body).data)
    facts = {"request": str(output), "size": str(head.size), "fingerprint": fingerprint(head)}
    if settings.json:
        put_json(facts)
    else:
        put_facts(facts)
        remark(settings, f"Take in what the authority answers: evikit ledger timestamp add REPLY --request {output}")


@timestamp.command()
@click.argument("reply", type=click.Path(path_type=Path))
@click.option("--request", "asked", type=click.Path(path_type=Path),
              help="The request that it answers: its nonce is compared.")  # fmt: skip
@trust_option
@with_settings
def add(settings: Settings, reply: Path, asked: Path | None, trust: str | None) -> None:
    """Take in the REPLY of an authority to a carried request; it is verified first.

    Its authority's root certificate stands in your trust file (`tsa_roots`).
    """
    from custody.timestamp.token import Request

    trusted = _named(trust)
    data = _read(reply)
    request = Request.parse(_read(asked)) if asked is not None else None
    with writing(settings) as case:
        facts = [_taken_in(case, data, trusted, request)]
    _put_added(settings, facts)


@timestamp.command()
@_url
@trust_option
@with_settings
def fetch(settings: Settings, urls: tuple[str, ...], trust: str | None) -> None:
    """Have the ledger's head time-stamped over the network now, by each authority that is named."""
    if not urls:
        raise click.UsageError("missing option --url: which authority?")
    trusted = _named(trust)
    with writing(settings) as case:
        case.seal()
        facts = _fetched(case, urls, trusted)
    _put_added(settings, facts)


def _fetched(case: Case, urls: Sequence[str], trusted: Trusted) -> list[dict[str, Any]]:
    """All authorities are asked over one head; what one of them grants stands, whatever the others do."""
    from custody.timestamp.fetch import fetch as fetched
    from custody.timestamp.record import newest_head
    from custody.timestamp.token import Request

    head, facts, faults = newest_head(case), [], []
    for url in urls:
        request = Request.make(head.body)
        try:
            facts.append(_taken_in(case, fetched(url, request.data), trusted, request))
        except CustodyError as error:
            faults.append(error if len(urls) == 1 else CustodyError(f"{url}: {error}", error.advice))
    if faults:
        taken = f" ({len(facts)} of {len(urls)} time-stamps were taken in)" if facts else ""
        raise CustodyError("; ".join(map(str, faults)) + taken, faults[0].advice)
    return facts


@timestamp.command()
@_url
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write a request instead, to be carried.")
@click.option("--within", type=click.IntRange(0, 36_500), default=90, show_default=True, metavar="DAYS",
              help="Renew what proves nothing any more so many days from now.")  # fmt: skip
@trust_option
@with_settings
def renew(settings: Settings, urls: tuple[str, ...], output: Path | None, within: int, trust: str | None) -> None:
    """Time-stamp the ledger's head anew if an earlier time-stamp's authority's certificate ends soon.

    A new one is over all entries, those with the earlier time-stamps too, and so takes over from them.
    """
    from custody.timestamp.record import due

    if bool(urls) == (output is not None):
        raise click.UsageError("either --url or -o: by network, or by a carried request?")
    trusted = _named(trust)
    with reading(settings) as case:
        times = _times(settings, case, trusted)
        waiting = due(times, trusted.now + within * DAY)
        if not waiting:
            _put_nothing_due(settings, times)
            return
        _tell_due(settings, waiting)
        if output is not None:
            _request(settings, case, output)
            return
    with writing(settings) as case:
        case.seal()
        facts = _fetched(case, urls, trusted)
    _put_added(settings, facts)


def _put_nothing_due(settings: Settings, times: Times) -> None:
    from custody.moment import claimed

    first = min((placed.until for placed in times.alive), default=None)
    until = None if first is None else claimed(first)
    if settings.json:
        put_json({"renewed": False, "until": until})
    else:
        put_facts({"nothing to renew": f"all hold until {moment(until)}" if until else "no time-stamp holds"})


def _tell_due(settings: Settings, waiting: Sequence[Placed]) -> None:
    from custody.moment import claimed

    for placed in waiting:
        remark(settings, f"The time-stamp in entry {placed.index} holds until {moment(claimed(placed.until))}.")


@timestamp.command(name="list")
@trust_option
@with_settings
def list_(settings: Settings, trust: str | None) -> None:
    """List the time-stamps in the ledger: over what, from when, by whom, and until when they hold."""
    with reading(settings) as case:
        times = _times(settings, case, trusted_from(trust))
        rows = case.ledger.rows_of("anchor")
    known = {line["entry"]: line for line in stamp_lines(times)}
    nothing = {"at": None, "accuracy": None, "authority": None, "until": None, "holds": None}
    lines = [known.get(row.index, {"entry": row.index, "size": row.entry.pub["size"], **nothing}) for row in rows]
    if settings.json:
        for line in lines:
            put_json(line)
        return
    put_table(
        ["entry", "over", "at (UTC)", "± s", "authority", "holds until"],
        (
            (line["entry"], f"{line['size']} entries", moment(line["at"]), line["accuracy"] or "",
             line["authority"] or "not verified", moment(line["until"]) if line["holds"] is not False else "lapsed")
            for line in lines
        ),
        right=["entry", "over", "± s"],
    )  # fmt: skip


def _times(settings: Settings, case: Case, trusted: Trusted) -> Times:
    from custody.ledger.verdict import Verdict
    from custody.timestamp.record import times_of_ledger

    said = Verdict()
    times = times_of_ledger(case.ledger, said, trusted)
    for finding in said.failed:
        remark(settings, f"entry {finding.index}: {finding.explanation}")
    for text in said.not_checked:
        remark(settings, text)
    return times


def _named(trust: str | None) -> Trusted:
    trusted = trusted_from(trust)
    if not trusted.authorities:
        raise CustodyError(
            "no authority is named whose time-stamps you trust",
            "Put its root certificate (PEM) into `tsa_roots` of your trust file, and name that with --trust.",
        )
    return trusted


def _taken_in(case: Case, reply: bytes, trusted: Trusted, request: Request | None) -> dict[str, Any]:
    from custody.timestamp.record import add as added
    from custody.timestamp.token import TokenError

    try:
        index, size, stamp = added(case, reply, trusted.authorities, request)
    except TokenError as error:
        raise CustodyError(f"no time-stamp is taken in: {error}", error.advice) from error
    return _facts(index, size, stamp)


def _facts(index: int, size: int, stamp: Stamp) -> dict[str, Any]:
    from custody.moment import claimed

    ends = {"at": claimed(stamp.at), "authority": stamp.authority, "until": claimed(stamp.expires)}
    return {"entry": index, "size": str(size), **ends}


def _put_added(settings: Settings, facts: Sequence[dict[str, Any]]) -> None:
    for fact in facts:
        if settings.json:
            put_json(fact)
        else:
            put_facts(fact)


def _read(path: Path) -> bytes:
    """A reply or request: what is longer than any is not read to its end."""
    from custody.timestamp.token import MAX_REPLY

    try:
        with path.open("rb") as file:
            return file.read(MAX_REPLY + 1)
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error
