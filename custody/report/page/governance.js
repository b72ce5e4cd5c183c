// Who may sign, replayed from the entries alone (R11, R12, R25 to R31). A broken rule is thrown as Malformed.

const SIGNED_BY_LEDGER = ["closing", "anchor"];
const AFTER_FREEZE = [...SIGNED_BY_LEDGER, "export", "approve"];
const GOVERNING = ["genesis", "approve", ...APPROVED];

function parseKey(record, withId) {
  if (!hasExactly(record, withId ? ["alg", "key", "pk"] : ["alg", "pk"]) || typeof record.alg !== "string") {
    throw new Malformed("a key record does not have exactly its fields");
  }
  const pk = unb64(record.pk);
  checkPublicKey(record.alg, pk);
  const id = keyId(record.alg, pk);
  if (withId && hash64(record.key) !== id) throw new Malformed("a key record's id is not that of its key");
  return { alg: record.alg, pk, id };
}

function parseAuthor(record, withId) {
  const key = parseKey(record, withId);
  if (key.alg !== ED25519) throw new Malformed("entries are signed with ed25519 alone");
  return key;
}

function parseLedgerKeys(records) {
  if (!Array.isArray(records) || records.length !== 2) throw new Malformed("a ledger has exactly two keys");
  const pair = records.map((record) => parseKey(record, false));
  if (pair[0].alg !== ED25519 || pair[1].alg !== ML_DSA_44) {
    throw new Malformed("a ledger's keys are one ed25519 and one ml-dsa-44");
  }
  return pair;
}

function parseGovernors(policy) {
  const records = policy.governors;
  if (!Array.isArray(records) || !records.length) throw new Malformed("a policy names no governor");
  const governors = new Map(records.map((record) => parseAuthor(record, true)).map((key) => [key.id, key]));
  const need = undec(policy.need);
  if (governors.size !== records.length || need < 1n || need > BigInt(governors.size)) {
    throw new Malformed("a policy needs more signatures than it has governors");
  }
  return { governors, need };
}

function parsePolicy(entry) {
  const { policy, kind, domain, continues } = entry.pub;
  if (!hasExactly(policy, ["governors", "keeper_same_as_author", "ledger_keys", "need"])) {
    throw new Malformed("genesis names no complete policy");
  }
  if (!["live", "exercise"].includes(kind) || typeof policy.keeper_same_as_author !== "boolean") {
    throw new Malformed("genesis does not say of which kind it is, or who keeps the ledger's key");
  }
  if (typeof domain !== "string" || !/^[A-Za-z0-9.-]{1,183}$/.test(domain)) {
    throw new Malformed("genesis names no domain that a checkpoint can bear");
  }
  if (continues !== null && !hasExactly(continues, ["ledger", "reason", "root", "size"])) {
    throw new Malformed("genesis does not say which ledger it continues");
  }
  parseLedgerKeys(policy.ledger_keys);
  return policy;
}

const isNames = (value) => Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string");

class Governance {
  kind = "";
  domain = "";
  continues = false;
  keeperSameAsAuthor = false;
  governors = new Map(); // key id -> key
  need = 1n;
  persons = new Map();
  ledgerKeys = []; // {index, pair}, in the order in which they took effect
  entitled = new Map(); // key id -> leaf of the entry that gave the key its place
  revoked = new Map(); // key id -> index from which on
  erased = new Map(); // leaf -> Set of names
  frozen = false;
  waiting = new Map(); // leaf -> {entry, approvers}

  ledgerKeysAt(size) {
    return (this.ledgerKeys.findLast(({ index }) => index < size) ?? this.ledgerKeys[0]).pair;
  }

  // R12: the key that must have signed the entry.
  keyOf(entry) {
    if (this.frozen && !AFTER_FREEZE.includes(entry.type)) throw new Malformed("written after the ledger was frozen");
    if (SIGNED_BY_LEDGER.includes(entry.type)) {
      const own = this.ledgerKeys.at(-1)?.pair[0];
      if (!own || own.id !== entry.key) throw new Malformed("not signed with the ledger's own key");
      return own;
    }
    const governors = entry.type === "genesis" ? parseGovernors(parsePolicy(entry)).governors : this.governors;
    let key = governors.get(entry.key);
    if (!key && !["genesis", "approve"].includes(entry.type)) key = this.persons.get(entry.key);
    if (!key) throw new Malformed("signed with a key that nobody enrolled for this");
    return key;
  }

  // Take in a governing entry whose signature was found good.
  async apply(index, leaf, entry) {
    if (entry.type === "genesis") {
      this.begin(leaf, entry);
    } else if (entry.type === "approve") {
      if (this.waiting.has(entry.re[0])) this.count(index, entry.re[0], entry.key);
    } else if (APPROVED.includes(entry.type)) {
      await this.examine(index, entry);
      this.waiting.set(leaf, { entry, approvers: new Set() });
      this.count(index, leaf, entry.key);
    }
  }

  begin(leaf, entry) {
    const policy = parsePolicy(entry);
    this.kind = entry.pub.kind;
    this.domain = entry.pub.domain;
    this.continues = entry.pub.continues !== null;
    this.keeperSameAsAuthor = policy.keeper_same_as_author;
    this.govern(leaf, policy);
    this.ledgerKeys.push({ index: 0n, pair: parseLedgerKeys(policy.ledger_keys) });
  }

  govern(leaf, policy) {
    ({ governors: this.governors, need: this.need } = parseGovernors(policy));
    for (const id of this.governors.keys()) if (!this.entitled.has(id)) this.entitled.set(id, leaf);
  }

  // R26. Who governs is asked at each approval: a governor may have been replaced or revoked since signing.
  count(index, target, key) {
    const { entry, approvers } = this.waiting.get(target);
    approvers.add(key);
    const counted = [...approvers].filter((id) => this.governors.has(id) && !this.revoked.has(id));
    if (BigInt(counted.length) >= this.need) {
      this.waiting.delete(target);
      this.takeEffect(index, target, entry);
    }
  }

  // What an entry of an approved type must satisfy when it is written.
  async examine(index, entry) {
    const { type, pub } = entry;
    if (type === "policy") parseGovernors(pub);
    else if (type === "person.enrol" || type === "person.rotate") await this.examineEnrolment(entry);
    else if (type === "ledger.rotate") parseLedgerKeys(pub.ledger_keys);
    else if (type === "person.revoke") {
      hash64(pub.key);
      if (undec(pub.from) > index) throw new Malformed("a revocation starts after itself");
    } else if (type === "erase" && !isNames(pub.names)) throw new Malformed("an erasure names no field");
  }

  // R27
  async examineEnrolment(entry) {
    const { alg, pk, pop, roles } = entry.pub;
    const key = parseAuthor({ alg, pk }, false);
    if (!isNames(roles)) throw new Malformed("an enrolment names no role");
    const proof = joinBytes(utf8("evikit/pop/v1\n"), unb64(entry.ledger ?? ""), unb64(entry.id), key.pk);
    if ((await verifyPayload(key.alg, key.pk, proof, unb64(pop))) === false) {
      throw new Malformed("an enrolment does not prove possession of its key");
    }
    if (this.isTaken(key.id)) throw new Malformed("a key is enrolled twice");
    if (entry.type === "person.rotate" && this.entitled.get(entry.key) !== entry.re[0]) {
      throw new Malformed("a rotation does not answer the entry that enrolled its signer");
    }
  }

  isTaken(id) {
    return this.persons.has(id) || this.governors.has(id) || this.revoked.has(id) ||
      this.ledgerKeys.some(({ pair }) => pair.some((own) => own.id === id));
  }

  takeEffect(index, leaf, entry) {
    const { type, pub } = entry;
    if (type === "policy") this.govern(leaf, pub);
    else if (type === "person.enrol" || type === "person.rotate") this.install(leaf, entry);
    else if (type === "ledger.rotate") this.ledgerKeys.push({ index, pair: parseLedgerKeys(pub.ledger_keys) });
    else if (type === "freeze") this.frozen = true;
    else if (type === "person.revoke") {
      const start = undec(pub.from), before = this.revoked.get(pub.key);
      this.revoked.set(pub.key, before !== undefined && before < start ? before : start);
    } else if (type === "erase") {
      const target = entry.re[0];
      this.erased.set(target, new Set([...(this.erased.get(target) ?? []), ...pub.names]));
    }
  }

  // Whoever governs goes on governing with the new key.
  install(leaf, entry) {
    const key = parseAuthor({ alg: entry.pub.alg, pk: entry.pub.pk }, false);
    if (this.isTaken(key.id)) return;
    const replaced = entry.type === "person.rotate" ? entry.key : "";
    const place = this.governors.delete(replaced) ? this.governors : this.persons;
    this.persons.delete(replaced);
    place.set(key.id, key);
    this.entitled.set(key.id, leaf);
  }
}
