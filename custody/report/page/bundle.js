// The parts of a bundle, each read and proved in turn (R20 to R24).

const BUNDLE_KEYS = ["format", "ledger", "checkpoint", "older", "exhibits", "entries", "rows", "tokens", "foreign"];
const BUNDLE_START = '{"checkpoint":"';

function decodeBundle(bytes) {
  // A canonical bundle begins so; half a gigabyte of anything else is not read to its end to be refused.
  if (!equalBytes(bytes.subarray(0, BUNDLE_START.length), utf8(BUNDLE_START))) {
    throw new Malformed("not an evikit bundle");
  }
  const whole = bytes.at(-1) === 10 ? bytes.subarray(0, -1) : bytes;
  const body = decode(whole, BUNDLE_LIMIT, BUNDLE_DEPTH);
  if (typeof body.format === "string" && /^evikit-bundle-[0-9]{1,9}$/.test(body.format) &&
      body.format !== "evikit-bundle-1") {
    throw new Malformed(`made by a newer evikit (its format is ${body.format}): a newer page reads it`);
  }
  if (body.format !== "evikit-bundle-1") throw new Malformed("not an evikit bundle");
  return needFields(body, BUNDLE_KEYS, "the bundle");
}

const hashesOf = (value) => needList(value).map((item) => unb64(item, 32));

// R16: the leaf that speaks of one exhibit.
const mapLeaf = (n, count, last) => leafHash(utf8(canonical(["evikit/map/v1", `${n}`, `${count}`, last])));

class BundleReader {
  entries = []; // well-formed ones
  known = new Map(); // fingerprint -> head of this history

  constructor(body, verdict) {
    this.body = body;
    this.verdict = verdict;
    this.named = hash64(body.ledger);
    this.note = parseNote(String(body.checkpoint));
    this.head = this.note.head;
    this.origin = this.head.origin;
    this.replay = new Replay(verdict, this.head);
    verdict.size = this.head.size;
    verdict.root = this.head.root;
    verdict.fingerprint = fingerprintOf(this.head);
    verdict.entries = this.entries;
  }

  async readEntries(progress) {
    const items = needList(this.body.entries), root = unb64(this.head.root);
    let last = -1n;
    for (const [place, item] of items.entries()) {
      await progress(place, items.length);
      needFields(item, ["index", "payload", "sig", "inclusion", "seen_proof", "openings"], "an entry of the bundle");
      const index = undec(item.index), payload = unb64(item.payload), signature = unb64(item.sig, 64);
      if (index <= last) throw new Malformed("the entries are not in rising order");
      last = index;
      const inclusion = hashesOf(item.inclusion), seenProof = hashesOf(item.seen_proof);
      const openings = parseOpenings(item.openings);
      if (!verifyInclusion(leafOf(payload, signature), index, this.head.size, inclusion, root)) {
        this.verdict.fail(index, "inclusion", "the entry is not in the history of the checkpoint");
      }
      const shown = await this.replay.feed(index, payload, signature, seenProof, openings);
      if (shown) this.entries.push(shown);
    }
    await Promise.all(this.replay.signatures);
    if (this.entries[0]?.entry.type !== "genesis") {
      throw new Malformed("the bundle does not begin with the genesis entry");
    }
    if (this.named !== this.entries[0].leaf) {
      this.verdict.fail(null, "ledger", "the bundle names another ledger than its genesis entry");
    }
  }

  // R22: all entries of governance and of each exhibit named are there, by the map of the last closing entry.
  readExhibits() {
    const fail = (kind, text) => this.verdict.fail(null, kind, text);
    const { index, entry } = this.entries.at(-1);
    if (index !== this.head.size - 1n || entry.type !== "closing") {
      fail("map", "the entry under the checkpoint is no closing entry");
      return;
    }
    const size = undec(entry.pub.map_size), root = unb64(entry.pub.map_root, 32);
    const named = new Set();
    let next = 0n, inOrder = true;
    for (const item of needList(this.body.exhibits)) {
      needFields(item, ["n", "count", "last", "map_proof"], "an exhibit of the bundle");
      const n = undec(item.n), count = undec(item.count), last = hash64(item.last);
      inOrder &&= named.size === 0 ? n === 0n : n >= next;
      next = n + 1n;
      named.add(n);
      if (!verifyInclusion(mapLeaf(n, count, last), n, size, hashesOf(item.map_proof), root)) {
        fail("map", `exhibit number ${n} is not in the map as the bundle says`);
      }
      const shown = this.replay.sequences.get(n);
      if (shown?.count !== count || shown?.last !== last) {
        fail("withheld", `not all entries of exhibit number ${n} are shown`);
      }
    }
    if (named.size === 0 || !inOrder) {
      throw new Malformed("the exhibits are not in rising order from governance (0)");
    }
    for (const n of this.replay.sequences.keys()) {
      if (!named.has(n)) fail("withheld", `entries of exhibit number ${n} are shown without proof that they are all`);
    }
    this.verdict.exhibitsShown = [named.size - 1, size - 1n];
  }

  // R24: single files of bulk readings.
  readRows() {
    const shown = new Map(this.entries.map((item) => [item.index, item]));
    for (const item of needList(this.body.rows)) {
      needFields(item, ["entry", "i", "salt", "row", "proof"], "a row of the bundle");
      const index = undec(item.entry), texts = needList(item.row);
      if (texts.length !== 7 || !texts.every((text) => typeof text === "string")) {
        throw new Malformed("a row is not the seven texts of a file's reading");
      }
      const manifest = manifestOf(shown.get(index));
      const leaf = leafHash(joinBytes(unb64(item.salt, 16), utf8(canonical(texts))));
      const position = undec(item.i), steps = hashesOf(item.proof);
      if (manifest === null) {
        this.verdict.fail(index, "row", "a file is shown whose manifest is not opened");
      } else if (!verifyInclusion(leaf, position, manifest.size, steps, manifest.root)) {
        this.verdict.fail(index, "row", "the reading of a file is not in the manifest of its access");
      } else {
        this.verdict.rows.push({ index, texts });
      }
    }
  }

  // R17, R23: the bundle's own checkpoint, and older heads of the same history.
  async readHeads() {
    await this.readCheckpoint();
    const root = unb64(this.head.root);
    for (const item of needList(this.body.older)) {
      needFields(item, ["size", "root", "consistency"], "an older head");
      const older = { origin: this.origin, size: undec(item.size), root: hash64(item.root) };
      if (verifyConsistency(older.size, unb64(older.root), this.head.size, root, hashesOf(item.consistency))) {
        this.known.set(fingerprintOf(older), older);
      } else {
        this.verdict.fail(null, "checkpoint", `the older head of size ${older.size} is of another history`);
      }
    }
  }

  async readCheckpoint() {
    const { governance, ledger } = this.replay;
    if (!governance.ledgerKeys.length || ledger === null) {
      this.verdict.fail(null, "checkpoint", "a checkpoint cannot be verified without the genesis entry");
      return;
    }
    const { faults, unchecked } = await examineSignatures(this.note, governance.ledgerKeysAt(this.head.size));
    if (this.origin !== `${governance.domain}/evikit/${hex(unb64(ledger))}`) faults.push("it names another ledger");
    for (const fault of faults) this.verdict.fail(null, "checkpoint", `the checkpoint of size ${this.head.size}: ${fault}`);
    this.verdict.uncheckedHeads = unchecked;
    const strangers = this.note.lines.filter((line) => line.name !== this.origin).length;
    if (strangers) this.verdict.notChecked.push(_("{count} signatures of others on a checkpoint (witnesses, or anybody)", { count: strangers }));
    if (!faults.length) this.known.set(this.verdict.fingerprint, this.head);
  }
}

// Root and size of the manifest that an outcome commits to, if both are opened and fit.
function manifestOf(outcome) {
  const root = outcome?.openings.get("manifest_root"), size = outcome?.openings.get("manifest_size");
  if (!root?.fits || !size?.fits) return null;
  try {
    return { root: unb64(root.value, 32), size: undec(size.value) };
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}
