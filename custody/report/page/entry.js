// Entries: their types, the reading of a payload, the opening of commitments (R6 to R10, R14).

const COMMON = "actor agency role claimed_at clock place authority note host tool";

// type -> chain, names in pub, committed names beside the common ones
const TYPE_TABLE = [
  ["genesis", "governance", "kind domain policy continues", "case"],
  ["policy", "governance", "governors need", "reason"],
  ["person.enrol", "governance", "alg pk pop roles", "person"],
  ["person.rotate", "governance", "alg pk pop roles", "person reason"],
  ["person.revoke", "governance", "key from", "reason"],
  ["approve", "governance", "", ""],
  ["ledger.rotate", "governance", "ledger_keys", "reason"],
  ["freeze", "governance", "", "reason"],
  ["erase", "any", "names", "reason"],
  ["closing", "none", "map_size map_root", ""],
  ["anchor", "none", "size root token", ""],
  ["export", "none", "", "recipient bundle_digest checkpoint_size document"],
  ["exhibit.register", "exhibit", "",
    "ref parent kind description serial condition photographs seizure seal state media_digests container_digests size"],
  ["exhibit.seal", "exhibit", "", "seal condition photographs reason"],
  ["exhibit.open", "exhibit", "", "seal condition photographs reason"],
  ["exhibit.move", "exhibit", "", "storage_from storage_to reason"],
  ["exhibit.relocate", "exhibit", "", "parts identity media_digests container_digests match reason"],
  ["exhibit.return", "exhibit", "", "recipient witness method reason copies"],
  ["exhibit.dispose", "exhibit", "", "recipient witness method reason copies"],
  ["access.begin", "exhibit", "", "purpose object parts identity settings"],
  ["access.end", "exhibit", "",
    "outcome error basis parts manifest_root manifest_size manifest_digest manifest_secret read_bytes media_digests " +
    "identity_after result_digests path meta stream size digest output_digest expected computed match fresh header"],
  ["transfer.offer", "exhibit", "", "to_key to_person seal condition digest challenge"],
  ["transfer.accept", "exhibit", "", "seal condition digest fresh"],
  ["transfer.refuse", "exhibit", "", "reason"],
  ["transfer.withdraw", "exhibit", "", "reason"],
  ["transfer.receive", "any", "", "outcome offer seal condition digest fresh reason"],
  ["transfer.receipt", "exhibit", "", "outcome receiver receipt digest match"],
  ["note", "any", "", "kind text location attachments"],
  ["correct", "any", "", "name old new reason"],
];
const wordsOf = (text) => text.split(" ").filter(Boolean);
const TYPES = new Map(TYPE_TABLE.map(([type, chain, pub, commits]) => [
  type, { chain, pub: wordsOf(pub), commits: [...wordsOf(COMMON), ...wordsOf(commits)] },
]));

const APPROVED = ["policy", "person.enrol", "person.rotate", "person.revoke", "ledger.rotate", "freeze", "erase"];

// Types that answer exactly one entry, and which types that one may have.
const ANSWERS = new Map([
  ["access.end", ["access.begin"]],
  ["transfer.accept", ["transfer.offer"]],
  ["transfer.refuse", ["transfer.offer"]],
  ["transfer.withdraw", ["transfer.offer"]],
  ["transfer.receipt", ["transfer.offer"]],
  ["approve", APPROVED],
  ["person.rotate", ["person.enrol", "person.rotate", "genesis", "policy"]],
  ["erase", [...TYPES.keys()]],
  ["correct", [...TYPES.keys()]],
]);

const ENTRY_KEYS = ["v", "ledger", "id", "type", "key", "seen", "x", "re", "pub", "commits"];

// A payload, decoded and found well formed. Hashes are base64 text, numbers BigInt.
function parseEntry(payload) {
  const body = needFields(decode(payload, PAYLOAD_LIMIT, DEPTH), ENTRY_KEYS, "an entry");
  if (body.v !== "evikit-entry-1") throw new Malformed("not an evikit entry, or one of a newer format");
  const type = TYPES.get(body.type);
  if (!type) throw new Malformed("unknown entry type");
  const seen = needFields(body.seen, ["root", "size"], "seen");
  const pub = needFields(body.pub, type.pub, "pub");
  checkPub(body.type, pub);
  const commits = needFields(body.commits, type.commits, "commits");
  Object.values(commits).forEach(hash64);
  unb64(body.id, 16);
  return {
    ledger: body.ledger === null ? null : hash64(body.ledger),
    id: body.id,
    type: body.type,
    key: hash64(body.key),
    seenSize: undec(seen.size),
    seenRoot: hash64(seen.root),
    x: parsePosition(body.x, type.chain),
    re: parseReferences(body.re, body.type),
    pub,
    commits,
  };
}

// What stands in clear in types that no rule of governance reads.
function checkPub(type, pub) {
  if (type === "closing") {
    undec(pub.map_size);
    hash64(pub.map_root);
  } else if (type === "anchor") {
    undec(pub.size);
    hash64(pub.root);
    unb64(pub.token);
  }
}

function parsePosition(value, chain) {
  if ((value === null) !== (chain === "none")) throw new Malformed("x does not fit the entry's type");
  if (value === null) return null;
  const x = needFields(value, ["n", "prev", "seq"], "x");
  const position = { n: undec(x.n), seq: undec(x.seq), prev: x.prev === null ? null : hash64(x.prev) };
  if ((position.n === 0n && chain === "exhibit") || (position.n > 0n && chain === "governance")) {
    throw new Malformed("x.n does not fit the entry's type");
  }
  if (position.seq === 0n || (position.seq === 1n) !== (position.prev === null)) {
    throw new Malformed("x.seq and x.prev do not fit each other");
  }
  return position;
}

function parseReferences(value, type) {
  if (!Array.isArray(value) || value.length > 64) throw new Malformed("re is not a short list");
  value.forEach(hash64);
  if (new Set(value).size !== value.length || (ANSWERS.has(type) && value.length !== 1)) {
    throw new Malformed("re does not fit the entry's type");
  }
  return value;
}

const leafOf = (payload, signature) => leafHash(joinBytes(payload, signature));

// name -> {salt, value}; a wrong shape refuses the bundle.
function parseOpenings(value) {
  if (!isObject(value)) throw new Malformed("openings are not an object");
  return new Map(Object.entries(value).map(([name, pair]) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw new Malformed("an opening is not a salt and a value");
    unb64(pair[0], 16);
    return [name, { salt: pair[0], value: pair[1] }];
  }));
}

// R9: whether the opening is what the entry committed to under this name.
function opens(entry, name, { salt, value }) {
  if (!Object.hasOwn(entry.commits, name)) return false;
  try {
    checkProfile(value, DEPTH);
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
  if (value !== null && typeof value !== "boolean" && utf8(canonical(value)).length > OPENED_LIMIT) return false;
  const bytes = utf8(canonical(["evikit/field/v1", entry.ledger, entry.id, name, salt, value]));
  return b64(sha256(bytes)) === entry.commits[name];
}
