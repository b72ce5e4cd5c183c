// Bytes and their spellings (rules R1 to R5 of the ledger format), and SHA-256.
// Rule numbers here and in the other files refer to docs/ledger-format.md of evikit.

// The page's own words in its language, as data; English where there are none.
const WORDS = typeof document === "undefined" ? {} : JSON.parse(document.getElementById("live-words")?.textContent ?? "{}");
const _ = (text, places = {}) => (WORDS[text] ?? text).replace(/\{(\w+)\}/g, (all, name) => places[name] ?? all);

class Malformed extends Error {}

const encoder = new TextEncoder();

const utf8 = (text) => encoder.encode(text);

function fromBinary(text) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// R1: base64 in its one spelling: whole groups of four, and nothing in the bits that a padded end does not use.
function isBase64(text) {
  if (typeof text !== "string" || text.length % 4) return false;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const body = padding ? text.slice(0, -padding) : text;
  if (/[^A-Za-z0-9+/]/.test(body)) return false;
  return padding === 0 || (padding === 2 ? "AQgw" : "AEIMQUYcgkosw048").includes(body.at(-1));
}

// The bytes; `length` is how many there must be, where that is fixed.
function unb64(text, length) {
  if (!isBase64(text)) throw new Malformed("a value is not canonical base64");
  const bytes = fromBinary(atob(text));
  if (length !== undefined && bytes.length !== length) {
    throw new Malformed(`a value has ${bytes.length} bytes instead of ${length}`);
  }
  return bytes;
}

function b64(bytes) {
  let binary = "";
  for (let i = 0; i < bytes.length; i++) binary += String.fromCharCode(bytes[i]);
  return btoa(binary);
}

// The same 32 bytes always have the same text (R1), so hashes are compared and looked up as text.
function hash64(text) {
  if (!isBase64(text) || text.length !== 44 || !text.endsWith("=") || text.endsWith("==")) {
    throw new Malformed("a value is not canonical base64 of 32 bytes");
  }
  return text;
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// R2: a decimal number, as BigInt, for it may be beyond what a JavaScript number holds exactly.
function undec(text) {
  if (typeof text !== "string" || !/^(0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) >> 63n) {
    throw new Malformed("a value is not a plain decimal number in quotes");
  }
  return BigInt(text);
}

function joinBytes(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function equalBytes(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function bigEndian64(value) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

// SHA-256 (FIPS 180-4). WebCrypto has it too, but answers later only, and a bundle needs a hundred thousand small ones.
const SHA256_K = new Uint32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const SHA256_START = new Uint32Array([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
const schedule = new Uint32Array(64);
const scratch = new Uint8Array(8192); // most of what is hashed is short

function sha256(bytes) {
  const state = Uint32Array.from(SHA256_START), length = (((bytes.length + 8) >> 6) + 1) << 6;
  const padded = length <= scratch.length ? scratch.fill(0, bytes.length, length) : new Uint8Array(length);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(length - 4, (bytes.length << 3) >>> 0);
  for (let at = 0; at < length; at += 64) compress(state, view, at);
  const digest = new Uint8Array(32), words = new DataView(digest.buffer);
  for (let i = 0; i < 8; i++) words.setUint32(4 * i, state[i]);
  return digest;
}

function compress(state, view, at) {
  const w = schedule;
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15], y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + SHA256_K[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0;
    d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}
