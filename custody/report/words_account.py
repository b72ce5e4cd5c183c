"""What a report says around the exhibits, and of whose hands they were in."""

from __future__ import annotations

from typing import Final

# --- around the exhibits ----------------------------------------------------------------------------------

SUMMARY_SCOPE = (
    "Exhibits shown: {exhibits}. Signed entries: {entries}, written, by their own words, between {first} and {last}. "
    "People in whose names they stand: {people}."
)
SUMMARY_ACCESSES = (
    "Times that evidence was opened: {accesses}; for each the record says who, why, and how it ended. Without a "
    "recorded end, so that everything may have been read: {unended}."
)
SUMMARY_CLOSED = "Fields not shown to the reader of this report: {closed}."
BROKEN = (
    "The record does not verify, as the first page says. Nothing is claimed here; what follows is what the file says."
)
SUMMARY_READ = (
    "Whether the record is whole stands under Integrity on the first page, how the evidence was handled under "
    "Handling. Neither says that anybody is guilty or innocent."
)
NO_AUTHORITY = "No entry shown names a warrant, order or consent."
QUESTIONS = "The purposes that examiners stated before they opened evidence, in their words."
QUALIFIED = "Role, agency and qualification are as stated at enrolment; the record proves the key, not the person."
DECLARATION = (
    "To be read and signed by the author, if the law of the place asks for it: I understand my duty to the court. I "
    "have named the facts on which I rely, and those against my view. I have stated any conflict of interest here:"
)
TO_SIGN: Final = ("Statement", "Name and office", "Place and date", "Signature")
METHOD = (
    "Evidence was opened read-only through evikit, which writes down who is about to read and why before the first "
    "byte is read. What each tool is known not to do stands in its documentation."
)
CLOSED = "Every entry of the exhibits shown is here. Fields can be closed; a closed field is counted and stays proved."
OPINIONS = "What authors make of what they saw. Not a fact of the record; other explanations may fit as well."
NO_OPINION = "No entry shown states an opinion."
NO_RULE = "no rule"
ERASURE = "{names}: {reason}"
CERTIFICATE = (
    "The digests below are those recorded when the data were read. A person qualified to do so can certify, in the "
    "form that the law of the place asks for, that the copy is what the digest of the original identifies, and sign "
    "in the section Signatures."
)
SIGNED = (
    "The record up to entry {last} is signed with the ledger's own two keys; every entry with the key of who wrote it. "
    "The fingerprint of what was signed:"
)
SIGN_HERE = "Signatures by hand, where they are asked for:"
TIMES_FORWARD = "no entry claims an earlier time than one before it"
TIMES_BACK = "earlier than an entry before them: entries {entries}"

# --- whose hands ------------------------------------------------------------------------------------------

TRACK_TITLE = "{exhibit}: in whose hands, when"
TRACK_LEGEND = (
    "How to read the drawings. "
    "A bar: in the hands of the person named. An open circle: offered, signed by who gives; a full one: taken over, "
    "signed by who takes. Below the bar: accesses; with “!” where no end was recorded. A diamond: a seal or a move. "
    "Dashed: in nobody's hands whom this record knows."
)
TRACK_NO_SCALE = "in the order of the entries; not all of them show a time"
TRACK_WAITING = "no answer is shown"
TRACK_GONE = "taken over by another agency, which signed in its own record"
TRACK_AWAY = "with {who}"
TRACK_ANNOUNCED = "announced by another agency, not received yet"
TRACK_LEFT: Final = {"exhibit.return": "returned to {where}", "exhibit.dispose": "disposed of: {where}"}
TRACK_ANSWER: Final = {
    "transfer.accept": "taken over and signed for",
    "transfer.refuse": "refused",
    "transfer.withdraw": "withdrawn",
    "transfer.receipt": "refused by the other agency",
}
TRACK_EVENT: Final = {
    "exhibit.seal": "sealed",
    "exhibit.open": "seal opened",
    "exhibit.move": "moved",
    "exhibit.relocate": "image files moved",
}
