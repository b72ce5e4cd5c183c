// Checkpoints: signed notes of three lines (R17), read in their one spelling.

const NOTE_ED25519 = 0x01, COSIGNATURE_ML_DSA_44 = 0x06;
const NOTE_LIMIT = 65536, NOTE_LINES = 64, NAME_LIMIT = 255;
const LINE = "— ([^\\p{White_Space}+]+) ([^\\p{White_Space}]+)\\n";
const NOTE = new RegExp(`^([^\\n]+)\\n(0|[1-9][0-9]{0,18})\\n([^\\n]+)\\n\\n((?:${LINE.replaceAll("(", "(?:")})+)$`, "u");

const bodyOf = (head) => `${head.origin}\n${head.size}\n${head.root}\n`;

const fingerprintOf = (head) => hex(sha256(utf8(bodyOf(head))));

const ledgerOf = (head) => head.origin.slice(head.origin.lastIndexOf("/") + 1);

const sameHead = (a, b) => bodyOf(a) === bodyOf(b);

// {head: {origin, size, root}, lines: [{name, keyId, signature}]}; nothing in it is true until verified.
function parseNote(text) {
  if (/\p{Surrogate}/u.test(text) || utf8(text).length > NOTE_LIMIT || /[\0-\x09\x0b-\x1f\x7f-\x9f]/.test(text)) {
    throw new Malformed("a checkpoint is at most 64 KiB of UTF-8 without control characters");
  }
  const parts = NOTE.exec(text);
  if (!parts) throw new Malformed("a checkpoint is origin, size, root and an empty line, then signature lines");
  const head = { origin: parts[1], size: undec(parts[2]), root: hash64(parts[3]) };
  const found = [...parts[4].matchAll(new RegExp(LINE, "gu"))];
  const lines = found.map(([, name, value]) => {
    const bytes = unb64(value);
    return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
  });
  if ([head.origin, ...lines.map((line) => line.name)].some((name) => utf8(name).length > NAME_LIMIT)) {
    throw new Malformed("a checkpoint's origin or key name is above 255 bytes");
  }
  if (lines.some((line) => line.signature.length === 0)) throw new Malformed("a signature line has no signature");
  if (lines.length > NOTE_LINES || new Set(found.map(([line]) => line)).size < lines.length) {
    throw new Malformed("a checkpoint has more than 64 signature lines, or the same one twice");
  }
  return { head, lines };
}

// `cosigned_message` of the ML-DSA-44 lines, integers big-endian.
function cosignedMessage(head, name, time) {
  const cosigner = utf8(name), origin = utf8(head.origin);
  return joinBytes(
    utf8("subtree/v1\n\0"), Uint8Array.of(cosigner.length), cosigner, bigEndian64(time),
    Uint8Array.of(origin.length), origin, bigEndian64(0n), bigEndian64(head.size), unb64(head.root),
  );
}

// Whether this raw public key signed the line as `kind`; null when the browser cannot tell.
async function lineIsSigned(head, line, kind, pk) {
  const id = sha256(joinBytes(utf8(`${line.name}\n`), Uint8Array.of(kind), pk)).subarray(0, 4);
  if (!equalBytes(id, line.keyId)) return false;
  if (kind === NOTE_ED25519) return verifyPayload(ED25519, pk, utf8(bodyOf(head)), line.signature);
  if (line.signature.length <= 8) return false;
  const time = new DataView(Uint8Array.from(line.signature).buffer).getBigUint64(0);
  if (time === 0n || time >> 63n) return false;
  return verifyPayload(ML_DSA_44, pk, cosignedMessage(head, line.name, time), line.signature.subarray(8));
}

// What is wrong with the ledger's own two signatures, and which of them the browser could not check.
async function examineSignatures(note, [ed25519, mldsa]) {
  const own = note.lines.filter((line) => line.name === note.head.origin);
  const faults = [], unchecked = [];
  for (const [kind, key] of [[NOTE_ED25519, ed25519], [COSIGNATURE_ML_DSA_44, mldsa]]) {
    const answers = await Promise.all(own.map((line) => lineIsSigned(note.head, line, kind, key.pk)));
    const good = answers.filter((answer) => answer === true).length;
    if (answers.includes(null)) unchecked.push(key.alg);
    else if (good !== 1) faults.push(`its ${key.alg} signature is ${good ? "doubled" : "missing or wrong"}`);
  }
  if (own.length > 2 && !faults.length) faults.push("a further signature stands under the ledger's own name");
  return { faults, unchecked };
}
