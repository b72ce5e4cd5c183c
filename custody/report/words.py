"""The fixed words of a report, in one place: verdicts, entries, limits, headings, glossary. No layout here.

`{name}` in a sentence is a place for words of the record (`custody.report.phrase`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from custody.ledger.verdict import Result

# --- verdicts ---------------------------------------------------------------------------------------------

VERDICT: Final[Mapping[Result, str]] = {
    Result.INTACT: "Every entry shown stands in its place, signed and unchanged, and the record continues one that the "
    "maker of this report held an anchor of.",
    Result.WITH_NOTES: "Nothing in the record was found changed, removed or out of place. What is listed below must be "
    "known before relying on it.",
    Result.BROKEN: "Something in this record is not as it was signed. Do not rely on what follows before the reason is "
    "known; it is printed only to show what the file says.",
}
UNREADABLE = "The bundle could not be read as a record at all. Nothing of it is printed here."
NO_ANCHOR = (
    "No anchor from outside was given when this report was made. The record agrees with itself, but that the whole "
    "history was replaced by another one cannot be excluded."
)
OWN_ANCHOR = (
    "The anchor was supplied by whoever made this report. Whether it came from outside the laboratory, this page "
    "cannot say: repeat the verification with an anchor of your own."
)

FAILURE: Final[Mapping[str, str]] = {
    "malformed": "This cannot be read as what it claims to be.",
    "genesis": "The record does not begin as a record must.",
    "ledger": "This belongs to another record.",
    "duplicate": "The same entry stands twice.",
    "key": "Nobody who was entitled to write this entry has signed it.",
    "signature": "The entry was changed after it was signed, or was never signed by this key.",
    "governance": "A rule about who may sign was broken.",
    "seen": "The author did not see the history that stands here: entries were changed, added or removed.",
    "sequence": "An entry is missing, added, or out of order.",
    "reference": "The entry answers another one that it cannot answer.",
    "closing": "The record was not closed over all its entries.",
    "map": "That all entries of an exhibit are shown is not proved.",
    "withheld": "Entries of an exhibit are left out.",
    "opening": "What is shown of this entry is not what was signed; the field is not printed in this report.",
    "checkpoint": "The signed head does not fit the entries.",
    "anchor": "This is not the record that was anchored outside.",
    "leaf": "The stored fingerprint of an entry is not that of the entry.",
    "inclusion": "The entry is not part of the signed history.",
    "row": "The reading of a single file is not proved.",
    "empty": "The record has no entries.",
    "token": "A time-stamp from outside is not one of this record.",
}
"""What a failed finding means to a reader who is no technician, by its kind."""

HANDLING_NOT_CHECKED = "NOT CHECKED"
HANDLING_NOT_CHECKED_MEANING = (
    "The rules of handling were not asked: how evidence was handled cannot be read from a record that does not verify."
)
HANDLING_COUNTED = "{serious} serious, {lesser} lesser"
HANDLING_CHECKED_MEANING = (
    "Defects of handling, found in the entries by fixed rules. They do not touch the integrity of the record, and each "
    "may have a good reason: ask for it."
)

# --- verify it yourself -----------------------------------------------------------------------------------

VERIFY_YOURSELF: Final = (
    "A page handed over by a laboratory proves nothing by itself. Take the bundle that came with it, and verify it on "
    "a machine of your own, with the verify.py beside it (VERIFY.txt says how, and how to tell that it is the right "
    "one) or with evikit; no network is needed:",
    "FINGERPRINT is an anchor: the fingerprint of this record, or of an earlier state of it, that reached you by "
    "another way than this page and its bundle, for example from the court's file. Copied from this page, it "
    "proves nothing.",
    "Whoever wants to be able to prove the record later lodges its fingerprint with the court, or with anyone the "
    "other side trusts, as early as possible. The fingerprint of the record as shown here is:",
)
UP_TO = "Complete up to entry {last}. Nothing is said about anything later."

# --- entries ----------------------------------------------------------------------------------------------

SENTENCE: Final[Mapping[str, str]] = {
    "genesis": "The record was begun.",
    "policy": "Who governs the record was changed: {reason}",
    "person.enrol": "A person was enrolled: {person}",
    "person.rotate": "A person's key was replaced: {person}. Reason: {reason}",
    "person.revoke": "A key was revoked: {reason}",
    "approve": "Entry {target} was approved.",
    "ledger.rotate": "The record's own keys were replaced: {reason}",
    "freeze": "The record was frozen: {reason}",
    "erase": "Fields of entry {target} were erased ({names}): {reason}",
    "closing": "The record was closed and its head signed.",
    "anchor": "A time-stamp from outside was taken in.",
    "export": "Handed out to {recipient}: {document}",
    "exhibit.register": "Taken in as {ref}: {description}",
    "exhibit.seal": "Sealed, seal {seal}. Condition: {condition}",
    "exhibit.open": "Seal {seal} opened. Condition: {condition}",
    "exhibit.move": "Moved from {storage_from} to {storage_to}",
    "exhibit.relocate": "The image files were moved {parts}; they were read there and are the same",
    "exhibit.return": "Returned to {recipient}. Witness: {witness}",
    "exhibit.dispose": "Disposed of ({method}). Witness: {witness}",
    "access.begin": "Access began: {object}",
    "access.end": "Access ended.",
    "transfer.offer": "Handing over was offered to {to_person}",
    "transfer.accept": "The offer in entry {target} was accepted.",
    "transfer.refuse": "The offer in entry {target} was refused: {reason}",
    "transfer.withdraw": "The offer in entry {target} was withdrawn: {reason}",
    "transfer.receive": "Received from another agency ({outcome}). Seal: {seal}. Condition: {condition}",
    "transfer.receipt": "The receipt of {receiver} for the offer in entry {target} came back: {outcome}",
    "note": "A note ({kind}) was written; its words stand in sections 10, 11 and 14.",
    "correct": "Correction of entry {target}, field {name}: “{old}” became “{new}”. Reason: {reason}",
}

NOT_DELIVERED = "Announced, and not handed out to {recipient}: {document}"
"""In place of the sentence of an export that only says that."""

DETAILS: Final[Mapping[str, Mapping[str, str]]] = {
    "genesis": {"case": "Case"},
    "exhibit.register": {"kind": "Kind", "state": "State", "seizure": "Seizure", "seal": "Seal"},
    "exhibit.seal": {"reason": "Reason"},
    "exhibit.open": {"reason": "Reason"},
    "exhibit.move": {"reason": "Reason"},
    "exhibit.relocate": {"media_digests": "Digests", "reason": "Reason"},
    "exhibit.return": {"method": "How", "reason": "Reason", "copies": "Copies left"},
    "exhibit.dispose": {"recipient": "Recipient", "reason": "Reason", "copies": "Copies left"},
    "access.begin": {"purpose": "Purpose", "parts": "Files announced", "settings": "Settings"},
    "access.end": {
        "path": "File",
        "stream": "Stream",
        "meta": "Meta address",
        "size": "Size in bytes",
        "digest": "Digest",
        "output_digest": "Digest of what was written out",
        "manifest_size": "Files with a row in the manifest",
    },
    "transfer.offer": {"seal": "Seal", "condition": "Condition", "digest": "Digest"},
    "transfer.accept": {"seal": "Seal", "condition": "Condition", "digest": "Digest"},
    "transfer.receive": {"offer": "The offer", "digest": "Digest", "reason": "Reason"},
    "transfer.receipt": {"receipt": "The receipt", "digest": "Digest", "match": "Digests match"},
    "note": {"location": "Place in the evidence", "attachments": "Attachments"},
    "export": {"bundle_digest": "Digest of the bundle", "checkpoint_size": "Entries under the head"},
}
COMMON_DETAILS: Final[Mapping[str, str]] = {"place": "Place", "authority": "Authority", "note": "Remark"}

OUTCOME: Final[Mapping[str, str]] = {
    "completed": "Completed.",
    "partial": "Only in part: {error}.",
    "failed": "Failed: {error}.",
}
NO_OUTCOME = "No outcome was recorded: the access may have read everything."
UNKNOWN_OUTCOME = "Outcome as recorded: {outcome}"
BASIS: Final[Mapping[str, str]] = {
    "whole": "Every byte was read.",
    "chunks": "Parts of it were read, piece by piece.",
    "stat": "Only size and times were looked at.",
    "none": "No byte was read.",
}
READ_BYTES = "{count} bytes read."
MATCH: Final = {
    True: "The digests computed are those expected.",
    False: "THE DIGESTS COMPUTED ARE NOT THOSE EXPECTED.",
}

STATE: Final[Mapping[str, str]] = {
    "original": "original",
    "best-evidence": "best evidence (examined because the original cannot be had, or is kept sealed)",
    "working-copy": "working copy (verified copy, made so that the best evidence is left alone)",
    "derived": "derived from other evidence",
    "return": "a return: records obtained on request",
    "report": "a report",
}

# --- digests ----------------------------------------------------------------------------------------------

SLIP = "hand-over slip, as registered ({entries})"
EXPECTED: Final[Mapping[str, str]] = {
    "slip": "hand-over slip ({entries})",
    "container": "stored inside the container ({entries})",
    "recorded": "recorded before ({entries})",
    "": "expected beforehand ({entries})",
}
COMPUTED = "computed from the whole medium ({entries})"
COMPUTED_AGAIN = "computed again ({entries})"
COMPUTED_PART = "computed, but not from the whole medium ({entries})"
REFERENCE = "this is what the others are held against"
SAME = "identical"
DIFFERENT = "DIFFERENT"
NOT_COMPARED = "not compared: no such digest was computed from the whole medium"
DIGESTS_AGREE = "All digests of the medium agree."
DIGESTS_ALONE = "There is one reading of the medium and nothing to hold it against."
DIGESTS_DIFFER = "DIGESTS OF THE MEDIUM DIFFER: see the table."
DIGESTS_NONE = "No digest of the whole medium was computed."
VERIFIED_LATER_ONCE = "The evidence was read again whole and hashed once after that."
VERIFIED_LATER = "The evidence was read again whole and hashed {times} times after that."

# --- results ----------------------------------------------------------------------------------------------

MEDIUM = (
    "A digest of the medium is over the bytes of the original device as the image holds them; where the exhibit is a "
    "folder or a set of files, over the list of their digests."
)
CONTAINERS = (
    "Digests of the files themselves. They differ from those of the medium, and must not be compared with them."
)
BOUND = "The result files have the digests that entry {entry} names."
UNNAMED = "It names no digest for: {names}."
NOT_BOUND = "THE RESULT FILES DO NOT HAVE THE DIGESTS THAT THE RECORD NAMES: do not rely on these results."
BOUND_UNKNOWN = "The result files were not held against the digests in the record."
LEFT_OUT = "Results were handed in for {ref}, which this record does not show. They are left out."
NO_RESULTS = "No examination results were handed to this report."
NO_PROBLEMS = "No problem was recorded. That does not prove that everything was read."
PROBLEMS_MORE = "{shown} of {total} recorded problems are listed; the rest are in the results of the run."
ACTIVITY = "Periods without events are left out, as are times before 1677 and after 2262. A source is a kind of trace."
TIMELINE_MORE = "{shown} of {total} events are listed; the rest are in the results of the run."
CLOCK: Final[Mapping[str, str]] = {
    "UTC": "UTC",
    "declared": "local time, converted with the zone the examiner declared",
    "unknown": "zone unknown: printed as if it were UTC",
}
MEDIA: Final[Mapping[str, str]] = {
    "format": "Format",
    "size": "Size (bytes)",
    "sector_size": "Sector size (bytes)",
    "basis": "What the digest is over",
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha256": "SHA-256",
}
UNREAD_VOLUME = "Volume {volume} ({description}) was not read: {problem}"
UNREAD_ACCESS = "The access that began with this entry did not complete."

# --- the rest ---------------------------------------------------------------------------------------------

TITLE = "Custody and examination report"
EXERCISE = "EXERCISE. This record was made for training. It is not evidence."
CLAIMED = "Times are those the writer's own machine claimed when the entry was signed (UTC)."
PROVED = (
    "Below the claimed time stands between which moments the entry was signed as time-stamps of outside authorities "
    "prove it, whatever the writer's clock said: after the newest one that it saw, before the oldest one that is over "
    "it. Whether an authority is to be trusted, each reader decides; the bundle carries its time-stamps."
)
NO_STAMPS = (
    "No time-stamp of an authority that the maker of this report names stands in this record. The order of the entries "
    "is proved, their times are not."
)
STAMPS = "Time-stamps from outside (RFC 3161), by entry"
AFTER, BEFORE = "after {moment}", "before {moment}"
COVERS = "the first {size} entries"
LAPSED = "its authority's certificate ended before a later one was taken over it: it proves nothing any more"
HOLDS = "holds until {until}"
WITHHELD_FIELDS = "{count} fields of this entry are not shown in this bundle."

PAPER: Final[Mapping[str, str]] = {
    "head": "Fingerprint of the record's head",
    "page": "SHA-256 of {file}, of which this is the print",
    "sheet": "page {n} of {of}",
    "code": "QR code of the fingerprints beside it",
    "contents": "Contents",
    "bundle": "The bundle: the disclosed part of the record, which can be verified by itself",
}
"""What stands on every sheet of the printed report, and beside what is attached to it."""

TEMPLATE = (
    "TEMPLATE. Filled from the record by a program, and read by no lawyer. Counsel admitted where it is to be used "
    "must read it before anybody signs it; no standard and no law is claimed to ask for it in this form."
)
"""On every certificate, at its beginning."""
TEMPLATE_SHEET = "TEMPLATE: to be read by counsel before anybody signs it"
"""On every sheet of it."""

LIMITS: Final = (
    "The record is tamper-evident, not tamper-proof. It does not stop anyone from changing it; it shows that they did.",
    "The kit sees only what passes through it. Nothing is said about reading that happened outside the kit.",
    "Nothing is said about statements that were untrue when they were written: a signature proves who wrote, not that "
    "it is so.",
    "Nothing is said about bytes that were never registered.",
    "That a file is not listed as read does not prove that it was not read.",
    "Times are claims of the machine that wrote the entry, unless an outside time-stamp says otherwise.",
    "Names of people are as the entries state them. What is proved is which key signed.",
    "No standard requires a log of this kind, linked by hashes. The words and the order of this report follow what "
    "published guidance asks a custody record to hold.",
    "Digests of the evidence are those recorded. Whether the evidence still has them, only reading it again can tell.",
)
ONE_KEEPER = (
    "The ledger's own key is kept by the same person or laboratory that writes the entries. Its signature adds no "
    "independence."
)

GLOSSARY: Final = (
    ("access", "anything that opens the bytes of an exhibit; it is recorded before it happens"),
    ("anchor", "what a verifier already trusts: a fingerprint or signed head, got by another way than the bundle"),
    ("best evidence", "the copy that is examined because the original cannot be had or is kept sealed"),
    ("bundle", "the disclosed part of a record as one file that can be verified"),
    ("container", "the files that an image is kept in"),
    ("digest", "the value of a hash function (MD5, SHA-1, SHA-256): other bytes, practically always another value"),
    ("entry", "one signed statement of the record; entries are numbered from 0"),
    ("exhibit", "a thing or data set that was taken in, known by its reference"),
    ("fingerprint", "a short value that stands for the whole record up to a point"),
    ("handling", "how the evidence was treated; a record can be intact and show bad handling"),
    ("integrity", "whether the record is as it was written; it says nothing about handling"),
    ("medium", "the bytes that the image holds, as the original device showed them"),
    ("meta address", "the number under which a file system keeps a file"),
    ("problem", "something that could not be read or understood: where, at which stage, why"),
    ("purpose", "why an access happened, in the examiner's words"),
    ("run", "one examination of one exhibit, and its results"),
    ("withheld", "a field that this bundle keeps closed; that it exists, and is unchanged, is still proved"),
)

SEIZED_LABEL = "Seized"
CAME_FROM_LABEL = "Came from"
CAME_FROM = "{agency}, where its reference is {ref}; their ledger {ledger}, their offer {offer}"
