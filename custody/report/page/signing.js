// Keys and signatures (R11). WebCrypto computes; what it may take too easily is refused here: weak and misspelt keys,
// S beyond the group's order, R in a second spelling. A browser that adds the cofactor to the equation is found out
// by a signature that only that equation accepts, and then its word is not used.
// Answers: true, false, or null when this browser cannot tell.

const ED25519 = "ed25519", ML_DSA_44 = "ml-dsa-44";
const ALGORITHMS = new Map([
  [ED25519, { web: "Ed25519", format: "raw", key: 32, signature: 64 }],
  [ML_DSA_44, { web: "ML-DSA-44", format: "raw-public", key: 1312, signature: 2420 }],
]);
const ENTRY_TYPE = "application/vnd.evikit.entry.v1+json";

const P = 2n ** 255n - 19n; // the field of edwards25519, RFC 8032 section 5.1
const L = 2n ** 252n + 27742317777372353535851937790883648493n; // the order of its group
const D = modP(-121665n * inverse(121666n));

function modP(value) {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function powP(base, exponent) {
  let result = 1n;
  for (let square = modP(base); exponent; exponent >>= 1n, square = (square * square) % P) {
    if (exponent & 1n) result = (result * square) % P;
  }
  return result;
}

function inverse(value) {
  return powP(value, P - 2n);
}

const littleEndian = (bytes) => BigInt(`0x${hex(Uint8Array.from(bytes).reverse())}`);

const xSquared = (y) => modP((y * y - 1n) * inverse(D * y * y + 1n)); // by the curve's equation

// The y of 2P from the y of P: doubling needs x only squared, so its sign does not matter.
function doubled(y) {
  const xx = xSquared(y), yy = modP(y * y);
  return modP((yy + xx) * inverse(1n - D * xx * yy));
}

function checkPoint(encoded) {
  const y = littleEndian(encoded) & (2n ** 255n - 1n);
  if (y >= P) throw new Malformed("an Ed25519 public key is not in its one canonical form");
  if (powP(xSquared(y), (P - 1n) / 2n) > 1n) throw new Malformed("an Ed25519 public key is no point of the curve");
  if (doubled(doubled(doubled(y))) === 1n) throw new Malformed("an Ed25519 public key has small order");
}

function checkPublicKey(alg, pk) {
  const known = ALGORITHMS.get(alg);
  if (!known) throw new Malformed("no signature algorithm is called so");
  if (pk.length !== known.key) throw new Malformed(`a public key for ${alg} is ${known.key} bytes, not ${pk.length}`);
  if (alg === ED25519) checkPoint(pk);
}

const keyId = (alg, pk) => b64(sha256(joinBytes(utf8(`evikit/key/v1\n${alg}\n`), pk)));

// S below the order; R in the one spelling of its point.
function isCanonicalSignature(signature) {
  if (littleEndian(signature.subarray(32)) >= L) return false;
  const encoded = littleEndian(signature.subarray(0, 32)), y = encoded & (2n ** 255n - 1n);
  return y < P && !(encoded >> 255n && (y === 1n || y === P - 1n));
}

const loadedKeys = new Map();

// The browser's key, or null where it has no such algorithm; Malformed for a key that R11 refuses.
function loadKey(alg, pk) {
  const name = `${alg} ${b64(pk)}`;
  if (!loadedKeys.has(name)) {
    checkPublicKey(alg, pk);
    const { web, format } = ALGORITHMS.get(alg);
    loadedKeys.set(name, Promise.resolve()
      .then(() => crypto.subtle.importKey(format, pk, { name: web }, false, ["verify"]))
      .catch(() => null));
  }
  return loadedKeys.get(name);
}

async function askBrowser(alg, pk, message, signature) {
  const key = await loadKey(alg, pk);
  if (key === null) return null;
  try {
    return await crypto.subtle.verify({ name: ALGORITHMS.get(alg).web }, key, signature, message);
  } catch {
    return null;
  }
}

async function verifyPayload(alg, pk, message, signature) {
  try {
    loadKey(alg, pk);
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
  if (signature.length !== ALGORITHMS.get(alg).signature) return false;
  if (alg === ED25519) {
    if (!isCanonicalSignature(signature)) return false;
    if (!(await ed25519IsSound())) return null;
  }
  return askBrowser(alg, pk, message, signature);
}

// DSSE's pre-authentication encoding: both lengths stand in the signed bytes.
function signedBytes(payload) {
  return joinBytes(utf8(`DSSEv1 ${ENTRY_TYPE.length} ${ENTRY_TYPE} ${payload.length} `), payload);
}

// A key made for this test, a signature that is good, and one that is good only where the cofactor is multiplied in.
const TEST_KEY = "SV6H/JHb9ryp+4o95YKoqlPXzXyxABrc9N4f+tk9pbQ=";
const TEST_GOOD = "e/7Y8VrhpWQUwIDs1OeXxUaa18mqvws4Plz2A7NP48uiJ/c6t7cDFhAi9gzhds32olZDc23FVccYn5ZTYeo+CA==";
const TEST_COFACTOR = "dAwmwoZBWClj3+wH0i7p0rYI2uPseLQUjJD9h5YmwzIyCY31Hma0KrpqFD+yHAOUxWthaDnzUS/SozITA3sRCQ==";
let ed25519Tested = null;

function ed25519IsSound() {
  ed25519Tested ??= Promise.all([TEST_GOOD, TEST_COFACTOR].map(
    (signature) => askBrowser(ED25519, unb64(TEST_KEY), utf8("evikit"), unb64(signature)),
  )).then(([good, cofactor]) => good === true && cofactor === false);
  return ed25519Tested;
}
