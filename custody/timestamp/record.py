"""The time-stamps of a ledger, of a bundle, and of a case: found, examined, taken in as `anchor` entries."""

from __future__ import annotations

from custody.case import Case
from custody.ledger.bundle import Bundle, decode_bundle
from custody.ledger.entry import b64, unb64, undec
from custody.ledger.errors import CustodyError, KeyLockedError
from custody.ledger.note import Checkpoint, fingerprint, parse_note
from custody.ledger.store import Ledger
from custody.ledger.verdict import Verdict
from custody.timestamp.interval import Placed, Times, Trusted, examine, weigh
from custody.timestamp.token import Authorities, Request, Stamp, TokenError, imprint_of, nonce_of, token_of


def times_of_ledger(ledger: Ledger, verdict: Verdict, trusted: Trusted) -> Times:
    """What the time-stamps of a stored ledger prove; whether the ledger itself holds is for `audit` to say."""
    anchors, note = ledger.rows_of("anchor"), ledger.newest_note()
    if note is None or not anchors:
        return Times()
    origin, closed = parse_note(note).checkpoint.origin, frozenset(ledger.closed_sizes())

    def head_of(size: int) -> Checkpoint | None:
        return Checkpoint(origin, size, ledger.root_at(size)) if size in closed else None

    return examine(verdict, anchors, head_of, trusted, complete=True)


def judge_ledger(ledger: Ledger, verdict: Verdict, trusted: Trusted) -> Times:
    """`times_of_ledger`, and every claimed time held against its interval."""
    times = times_of_ledger(ledger, verdict, trusted)
    weigh(verdict, times, ledger.rows() if times else ())
    return times


def judge_bundle(data: bytes, bundle: Bundle | None, verdict: Verdict, trusted: Trusted) -> Times:
    """The same of a bundle that was verified: `bundle` and `verdict` are what `verify_bundle` made of `data`."""
    anchors = [item for item in bundle.entries if item.entry.type == "anchor"] if bundle is not None else []
    if bundle is None or not anchors:
        return Times()
    own = parse_note(bundle.checkpoint.encode()).checkpoint
    heads = {own.size: own}
    for older in decode_bundle(data)["older"]:
        heads[undec(older["size"])] = Checkpoint(own.origin, undec(older["size"]), unb64(older["root"], 32))
    times = examine(verdict, anchors, heads.get, trusted, complete=False)
    weigh(verdict, times, bundle.entries)
    return times


def newest_head(case: Case) -> Checkpoint:
    """The head to be time-stamped: that of the newest checkpoint."""
    note = case.ledger.newest_note()
    if note is None:
        raise CustodyError("the ledger has no checkpoint yet", "Run `evikit ledger checkpoint`.")
    return parse_note(note).checkpoint


def add(case: Case, reply: bytes, authorities: Authorities, request: Request | None = None) -> tuple[int, int, Stamp]:
    """Take a reply's token in: (entry, size of the head it is over, what it says). TokenError says why it is refused.

    It must be over a checkpoint of this ledger, answer `request` if that is given, be by one of `authorities`, be new.
    """
    token = token_of(reply)
    imprint = imprint_of(token)
    if request is not None and (request.imprint, request.nonce) != (imprint, nonce_of(token)):
        raise TokenError("it answers another request", "Keep reply and request together.")
    heads = (parse_note(note).checkpoint for note in case.ledger.notes())
    head = next((head for head in heads if bytes.fromhex(fingerprint(head)) == imprint), None)
    if head is None:
        raise TokenError("it is over no checkpoint of this ledger", "Was it for another case?")
    stamp = authorities.verify(token, imprint)
    if any(row.entry.pub["token"] == b64(token) for row in case.ledger.rows_of("anchor")):
        raise TokenError("it stands in the ledger already", "`evikit ledger timestamp list` shows it.")
    index = case.anchor({"size": str(head.size), "root": b64(head.root), "token": b64(token)})
    if index is None:
        raise KeyLockedError("the ledger's own key is not in this key store", "Its keeper takes time-stamps in.")
    return index, head.size, stamp


def due(times: Times, before: int) -> list[Placed]:
    """The time-stamps that hold now, and on which nobody can rely any more at `before`."""
    return [placed for placed in times.alive if placed.until < before]
