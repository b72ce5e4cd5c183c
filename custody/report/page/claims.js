// A verdict as claims in plain words: each PROVED, FAILED or NOT CHECKED. FAILURE comes from the report's own words.

const PROVED = _("PROVED"), FAILED = _("FAILED"), NOT_CHECKED = _("NOT CHECKED");

const HEADLINE = { "INTACT": _("INTACT"), "INTACT WITH NOTES": _("INTACT WITH NOTES"), "BROKEN": _("BROKEN") };
const MEANING = {
  "INTACT": _("Every entry shown stands in its place, signed and unchanged, and the record continues the one you hold an anchor of."),
  "INTACT WITH NOTES": _("Nothing in the record was found changed, removed or out of place. What is NOT CHECKED or listed as a note must be known before relying on it."),
  "BROKEN": _("Something in this record is not as it was signed. Do not rely on it before the reason is known."),
};

const HANDLING = _("A record can be intact and show bad handling. evikit check, and the report, name what the rules found.");

const NO_ED25519 = _("This browser cannot check Ed25519 signatures as strictly as the record demands.");
const NO_ANCHOR = _("You gave no anchor. The record agrees with itself, but that the whole history was replaced by another one cannot be excluded.");

// What can be claimed of a bundle, and the kinds of finding that refute each claim.
const CLAIMS = [
  { kinds: ["malformed", "empty"], says: () => _("Everything in the bundle can be read as the format of the ledger demands.") },
  { kinds: ["genesis", "ledger", "duplicate"], says: () => _("All entries belong to one ledger, and each stands once.") },
  {
    kinds: ["key", "signature"],
    says: () => _("Every entry was signed by a key that was entitled to write it, and was not changed since."),
    unchecked: (verdict) => verdict.uncheckedSignatures > 0 && NO_ED25519,
  },
  {
    kinds: ["governance"],
    says: () => _("The rules of who may enrol, replace and revoke keys were kept."),
    unchecked: (verdict) => verdict.uncheckedSignatures > 0 && NO_ED25519,
  },
  { kinds: ["inclusion"], says: () => _("Every entry shown is part of the signed history.") },
  { kinds: ["seen"], says: () => _("Every author saw, when writing, the history that stands here and no other.") },
  { kinds: ["sequence"], says: () => _("The entries of each exhibit shown follow each other without a gap.") },
  { kinds: ["reference"], says: () => _("Every outcome, answer and correction belongs to an entry it may answer.") },
  { kinds: ["opening"], says: () => _("Every field shown is what its author signed.") },
  {
    kinds: ["closing", "map", "withheld"],
    says: ({ exhibitsShown }) => (exhibitsShown
      ? _("All entries of {shown} of {all} exhibits are shown.", { shown: exhibitsShown[0], all: exhibitsShown[1] })
      : _("All entries of each exhibit shown are there.")),
  },
  { kinds: ["row"], says: () => _("Every single file shown was read as the signed manifest says."), only: (verdict) => verdict.rows.length },
  {
    kinds: ["checkpoint"],
    says: () => _("The head of the record is signed with both keys of the ledger."),
    unchecked: (verdict) => verdict.uncheckedHeads.length > 0 &&
      _("This browser cannot check signatures of these kinds: {kinds}.", { kinds: verdict.uncheckedHeads.join(", ") }),
  },
  {
    kinds: ["anchor"],
    says: ({ anchored, covered }) => (anchored
      ? _("The first {count} entries are those you hold an anchor of.", { count: covered })
      : _("The record is the one you hold an anchor of.")),
    unchecked: (verdict) => !verdict.anchored && NO_ANCHOR,
  },
];

const asSentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const located = ({ index, kind, text }) => {
  const place = index === null ? "" : `${_("Entry {n}", { n: index })}: `;
  return `${place}${FAILURE[kind] ? `${_(FAILURE[kind])} ${_("In detail:")} ${text}.` : asSentence(text)}`;
};

// [{says, state, why: [text]}]
function claimsOf(verdict) {
  const claims = CLAIMS.map((claim) => {
    const against = verdict.failed.filter(({ kind }) => claim.kinds.includes(kind));
    if (against.length) return { says: claim.says(verdict), state: FAILED, why: against.map(located) };
    if (claim.only && !claim.only(verdict)) return null;
    if (!verdict.done) return { says: claim.says(verdict), state: NOT_CHECKED, why: [_("The examination ended before.")] };
    const reason = claim.unchecked?.(verdict);
    if (reason) return { says: claim.says(verdict), state: NOT_CHECKED, why: [reason] };
    return { says: claim.says(verdict), state: PROVED, why: [] };
  });
  const further = [...new Set(verdict.notChecked)].map(asSentence);
  if (further.length) claims.push({ says: _("What this version does not examine."), state: NOT_CHECKED, why: further });
  return claims.filter(Boolean);
}
