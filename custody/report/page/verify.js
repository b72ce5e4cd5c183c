// A bundle's bytes and the reader's own trust in, a verdict out (R6 to R31, R35).
// `verifyBundle` examines in the order of the section "Verifying, in order" and answers
// {ledger, kind, size, root, fingerprint, anchored, failed, notes, notChecked, limits, proved, counts, entries, done}.

const NO_TRUST = { ledgers: [], heads: [], fingerprints: [], unused: [] };

// R18: a trust file, JSON in any layout, written by the reader.
function parseTrust(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Malformed("not a trust file: it is not JSON");
  }
  const known = ["ledgers", "heads", "witnesses", "quorum", "tsa_roots"];
  if (!isObject(value) || !Object.keys(value).every((name) => known.includes(name))) {
    throw new Malformed(`not a trust file: its fields are ${known.join(", ")}`);
  }
  const { ledgers = [], heads = [] } = value;
  if (!Array.isArray(ledgers) || !Array.isArray(heads)) throw new Malformed("not a trust file: two lists are missing");
  if (!ledgers.every((id) => typeof id === "string" && /^[0-9a-f]{64}$/.test(id))) {
    throw new Malformed("not a trust file: a ledger's id is 64 hex digits");
  }
  const given = (part) => (isObject(part) || Array.isArray(part) ? Object.keys(part).length > 0 : Boolean(part));
  return {
    ledgers, heads: heads.map(parseKeptHead), fingerprints: [],
    unused: ["witnesses", "quorum"].filter((name) => given(value[name])),
  };
}

// A checkpoint that the reader kept: its form is examined, its signatures were when it was kept.
function parseKeptHead(text) {
  if (typeof text !== "string") throw new Malformed("a head is the text of a checkpoint");
  const { head } = parseNote(text);
  if (head.size === 0n) throw new Malformed("a checkpoint of size 0 anchors nothing");
  return head;
}

// The entries a bundle shows, examined in the order of their index.
class Replay {
  governance = new Governance();
  ledger = null;
  sequences = new Map(); // ordinal -> {count, last, lastIndex, next}
  leaves = new Map(); // leaf -> {index, type, n}
  signedBy = new Map(); // key id -> indices
  openAccesses = new Map(); // leaf of the begin -> index
  missing = new Map(); // leaf -> names without opening
  signatures = []; // answers still awaited

  constructor(verdict, head) {
    this.verdict = verdict;
    this.head = head;
    this.headRoot = unb64(head.root);
  }

  async feed(index, payload, signature, seenProof, openings) {
    const leaf = b64(leafOf(payload, signature));
    let entry;
    try {
      entry = parseEntry(payload);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.verdict.fail(index, "malformed", error.message);
      return null;
    }
    await this.examine(index, leaf, entry, payload, signature, seenProof);
    this.leaves.set(leaf, { index, type: entry.type, n: entry.x ? entry.x.n : 0n });
    if (!this.signedBy.has(entry.key)) this.signedBy.set(entry.key, []);
    this.signedBy.get(entry.key).push(index);
    this.examineOpenings(index, leaf, entry, openings);
    this.verdict.count("entries");
    return { index, leaf, entry, openings };
  }

  async examine(index, leaf, entry, payload, signature, seenProof) {
    const fail = (kind, text) => this.verdict.fail(index, kind, text);
    if ((entry.type === "genesis") !== (index === 0n) || (entry.ledger === null) !== (index === 0n)) {
      fail("genesis", "the first entry, and only it, begins a ledger");
    } else if (index !== 0n && entry.ledger !== this.ledger) {
      fail("ledger", "the entry belongs to another ledger");
    }
    if (index === 0n) this.ledger = leaf;
    if (this.leaves.has(leaf)) fail("duplicate", "the same entry stands twice");
    const misplaced = entry.type === "genesis" && index !== 0n; // begins nothing, installs nothing
    const good = misplaced ? false : this.examineSignature(index, entry, payload, signature);
    this.examineSeen(index, entry, seenProof);
    if (entry.x) this.examineSequence(index, leaf, entry);
    const answers = this.examineAnswers(index, leaf, entry);
    if (entry.type === "closing" && entry.seenSize !== index) {
      fail("closing", "a closing entry did not see all entries before it");
    }
    if (answers && GOVERNING.includes(entry.type) && (await good)) {
      try {
        await this.governance.apply(index, leaf, entry);
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        fail("governance", error.message);
      }
    }
  }

  // Whether the signature is good, now or later; what governs waits for the answer, everything else goes on.
  examineSignature(index, entry, payload, signature) {
    let key;
    try {
      key = this.governance.keyOf(entry);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.verdict.fail(index, "key", error.message);
      return false;
    }
    const answer = verifyPayload(key.alg, key.pk, signedBytes(payload), signature).then((good) => {
      if (good === null) this.verdict.uncheckedSignatures++;
      else this.verdict.count("signatures");
      if (good === false) this.verdict.fail(index, "signature", "the signature does not fit the entry");
      return good !== false;
    });
    this.signatures.push(answer);
    return answer;
  }

  examineSeen(index, entry, proof) {
    const root = unb64(entry.seenRoot);
    const holds = entry.seenSize === 0n
      ? equalBytes(root, EMPTY_ROOT) && proof.length === 0
      : verifyConsistency(entry.seenSize, root, this.head.size, this.headRoot, proof);
    if (entry.seenSize > index || !holds) {
      this.verdict.fail(index, "seen", "the history the entry says it saw is not this history");
    }
    if (entry.seenSize <= (this.signedBy.get(entry.key)?.at(-1) ?? -1n)) {
      this.verdict.fail(index, "seen", "the entry did not see its own author's previous entry");
    }
  }

  examineSequence(index, leaf, entry) {
    const { n, seq, prev } = entry.x;
    const before = this.sequences.get(n) ?? { count: 0n, last: null, lastIndex: -1n, next: 1n };
    if (seq !== before.next || prev !== before.last) {
      this.verdict.fail(index, "sequence", `not the next entry of its exhibit (number ${n})`);
    }
    if (entry.seenSize <= before.lastIndex) {
      this.verdict.fail(index, "seen", "the entry did not see the one before it in its sequence");
    }
    if ((seq === 1n) !== ["genesis", "exhibit.register"].includes(entry.type)) {
      this.verdict.fail(index, "sequence", "a sequence begins with its registration");
    }
    // go on behind a gap: one fault, one finding
    this.sequences.set(n, { count: before.count + 1n, last: leaf, lastIndex: index, next: seq + 1n });
  }

  // R14: whether the entry answers only what it may; one that does not has no effect.
  examineAnswers(index, leaf, entry) {
    let good = true;
    const refuse = (text) => {
      this.verdict.fail(index, "reference", text);
      good = false;
    };
    for (const target of entry.re) {
      const answered = this.leaves.get(target);
      if (!answered) {
        this.verdict.notChecked.push(_("entry {entry} answers an entry that is not shown", { entry: index }));
        continue;
      }
      if (entry.seenSize <= answered.index) {
        this.verdict.fail(index, "seen", "the entry did not see the one it answers");
      }
      const same = entry.type === "approve" || !entry.x || entry.x.n === answered.n;
      const allowed = ANSWERS.get(entry.type);
      if (allowed && !(allowed.includes(answered.type) && same)) refuse("the entry answers one that it cannot answer");
    }
    if (entry.type === "access.begin") this.openAccesses.set(leaf, index);
    if (entry.type === "access.end" && !this.openAccesses.delete(entry.re[0]) && this.leaves.has(entry.re[0])) {
      refuse("the outcome answers no open access");
    }
    return good;
  }

  examineOpenings(index, leaf, entry, openings) {
    for (const [name, opening] of openings) {
      opening.fits = opens(entry, name, opening);
      if (!opening.fits) this.verdict.fail(index, "opening", `the field '${name}' is not what was committed`);
    }
    this.verdict.count("opened fields", openings.size);
    const missing = Object.keys(entry.commits).filter((name) => !openings.has(name));
    if (missing.length) this.missing.set(leaf, missing);
  }

  finish() {
    const { verdict, governance } = this;
    for (const index of this.openAccesses.values()) {
      verdict.remark(index, "open-access", "an access has no outcome: it may have read everything");
    }
    for (const [leaf, names] of this.missing) {
      const gone = names.filter((name) => governance.erased.get(leaf)?.has(name)).length;
      verdict.count("fields erased", gone);
      verdict.count("fields withheld", names.length - gone);
    }
    const waiting = governance.waiting.size;
    if (waiting) verdict.remark(null, "pending", `${waiting} governing entries still wait for approval`);
    if (governance.continues) {
      verdict.remark(0n, "continues", "this ledger continues another one, which must be verified by itself");
    }
  }
}

class Verdict {
  ledger = "";
  kind = "";
  size = 0n;
  root = "";
  fingerprint = "";
  anchored = false;
  done = false; // false: a wrong shape ended the examination before its end
  failed = [];
  notes = [];
  notChecked = [];
  limits = [];
  counts = new Map();
  entries = [];
  rows = [];
  uncheckedSignatures = 0;
  uncheckedHeads = [];
  exhibitsShown = null; // [shown, all]

  fail(index, kind, text) {
    this.failed.push({ index, kind, text });
  }

  remark(index, kind, text) {
    this.notes.push({ index, kind, text });
  }

  count(what, number = 1) {
    this.counts.set(what, (this.counts.get(what) ?? 0) + number);
  }

  // What this browser could not compute is not checked, and then the record is not INTACT here.
  get result() {
    if (this.failed.length) return "BROKEN";
    const whole = this.anchored && !this.notes.length && !this.notChecked.length;
    return whole && !this.uncheckedSignatures && !this.uncheckedHeads.length ? "INTACT" : "INTACT WITH NOTES";
  }
}

async function verifyBundle(bytes, trust = NO_TRUST, progress = async () => {}) {
  const verdict = new Verdict();
  let reader = null;
  try {
    reader = new BundleReader(decodeBundle(bytes), verdict);
    await reader.readEntries(progress);
    reader.readExhibits();
    reader.readRows();
    await reader.readHeads();
    if (needList(reader.body.tokens).length + needList(reader.body.foreign).length) {
      verdict.notChecked.push(_("time-stamps and other agencies' receipts: not examined by this version"));
    }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    if (reader) await Promise.all(reader.replay.signatures);
    verdict.fail(null, "malformed", error.message);
    return verdict;
  }
  reader.replay.finish();
  conclude(verdict, reader, trust);
  verdict.done = true;
  return verdict;
}

// The reader's own trust (R18), then revoked keys (R19).
function conclude(verdict, reader, trust) {
  const { replay, known } = reader, { governance } = replay;
  verdict.ledger = replay.ledger === null ? "" : hex(unb64(replay.ledger));
  verdict.kind = governance.kind;
  const trusted = [...trust.ledgers, ...trust.heads.map(ledgerOf)];
  if (trusted.length && !trusted.includes(verdict.ledger)) {
    verdict.fail(null, "anchor", "this is not a ledger you trust: its genesis is another one");
  }
  const covered = [];
  for (const head of trust.heads.filter((kept) => ledgerOf(kept) === verdict.ledger)) {
    if ([...known.values()].some((own) => sameHead(own, head))) covered.push(head.size);
    else verdict.fail(null, "anchor", `the history shown does not contain the checkpoint of size ${head.size} you hold`);
  }
  for (const text of trust.fingerprints) {
    if (known.has(text)) covered.push(known.get(text).size);
    else verdict.fail(null, "anchor", `no checkpoint here has the fingerprint ${text} that you hold`);
  }
  verdict.anchored = covered.length > 0 && !verdict.failed.some(({ kind }) => kind === "anchor");
  verdict.covered = covered.reduce((most, size) => (size > most ? size : most), 0n);
  verdict.notChecked.push(...trust.unused.map((name) => _("{name} of the trust file: not examined by this version", { name })));
  if (governance.keeperSameAsAuthor) {
    verdict.limits.push(_("The ledger's own key has the same keeper as its first author: it adds no independence."));
  }
  if (governance.need === 1n) verdict.limits.push(_("One governor's signature is enough to enrol, replace and revoke keys."));
  const stamps = reader.entries.filter(({ entry }) => entry.type === "anchor").length;
  if (stamps) verdict.notChecked.push(_("time-stamps of outside authorities ({count}): this page does not examine them", { count: stamps }));
  for (const [key, start] of governance.revoked) {
    for (const index of replay.signedBy.get(key) ?? []) {
      if (index >= start || !covered.some((size) => index < size && size <= start)) {
        verdict.remark(index, "disputed", "signed with a key that was revoked; nothing from outside covers it");
      }
    }
  }
}
