"""Sentences of the verifier that a translated report has in its own language (`custody.report.told`).

`{name}` stands for what it puts in. What is not here stays English. The order is that in which they are tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SENTENCES: Final[Sequence[str]] = (
    # proved
    "all entries of {shown} of {all} exhibits are shown",
    "the checkpoint is signed with both keys that the genesis entry names",
    "the first {count} entries are those you hold an anchor of",
    "the first {count} entries were there before {moment} UTC, by the time-stamp in entry {entry} ({authority})",
    "complete up to entry {last} for the exhibits shown; nothing is said about later",
    "complete up to entry {last}; nothing is said about later",
    # not checked
    "entry {entry} answers an entry that is not shown",
    "no anchor from outside was given: replacement of the whole history cannot be excluded",
    "{count} signatures of others on a checkpoint (witnesses, or anybody)",
    "{name} of the trust file: not examined by this version",
    "independence: the ledger's own key has the same keeper as its first author, it adds none",
    "approval: one governor's signature is enough to enrol, replace and revoke keys",
    "time-stamps beside the entries, other agencies' receipts: not examined",
    "time-stamps: what is broken elsewhere proves no time",
    "the time-stamp in entry {entry}: the head that it is over is not shown",
    "{count} time-stamps: your trust file names no authority (tsa_roots)",
    "the time-stamp in entry {entry} proves nothing any more: its authority's certificate ended {moment}, and no later "
    "one was taken over it in time",
    # notes
    "an access has no outcome: it may have read everything",
    "{count} governing entries still wait for approval",
    "this ledger continues another one, which must be verified by itself",
    "signed with a key that was revoked; nothing from outside covers it",
    "it claims {claimed} and was written after {moment}: the writer's clock was behind",
    "it claims {claimed} and was written before {moment}: the writer's clock was ahead",
    "two authorities contradict each other: after {after}, and before {before}",
    # failed
    "the field {name} is not what was committed",
    "the field {name} is missing and nobody approved its erasure",
    "the entry answers one that does not exist before it",
    "the entry did not see the one it answers",
    "the entry answers one that it cannot answer",
    "the outcome answers no open access",
    "a closing entry did not see all entries before it",
    "the map of all exhibits is not that of the entries before it",
    "a sequence begins with its registration, in order",
    "this is not a ledger you trust: its genesis is another one",
    "no checkpoint here has the fingerprint {fingerprint} that you hold",
    "not all entries of exhibit number {n} are shown",
    "exhibit number {n} is not in the map as the bundle says",
    "a file is shown whose manifest is not opened",
    "the reading of a file is not in the manifest of its access",
    "the checkpoint of size {size}: {reason}",
    "the bundle is malformed: {reason}",
    # rules that were not asked
    "withheld or erased: {names}",
)
