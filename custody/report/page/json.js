// Canonical JSON without numbers (R3, R4). JSON.parse alone would take double keys, white space and other spellings; so
// what it read must have its keys in order, and is written again, which must give the same text. JSON.stringify keeps the
// order of keys and escapes as RFC 8785 asks.

const PLAIN_KEY = /^[a-z][a-z0-9_]*$/;
const BUNDLE_LIMIT = 1024 ** 3, PAYLOAD_LIMIT = 64 * 1024, OPENED_LIMIT = 1024 * 1024;
const BUNDLE_DEPTH = 12, DEPTH = 6;

const canonical = (value) => JSON.stringify(value);

// No numbers, plain keys in order, no lone surrogates, containers at most `depth` deep.
function checkProfile(value, depth) {
  if (typeof value === "string") {
    if (/\p{Surrogate}/u.test(value)) throw new Malformed("a text holds half a character");
    return;
  }
  if (value === null || typeof value === "boolean") return;
  if (typeof value !== "object") throw new Malformed("JSON numbers are not allowed");
  if (depth === 0) throw new Malformed("JSON is nested too deeply");
  if (Array.isArray(value)) {
    for (const item of value) checkProfile(item, depth - 1);
    return;
  }
  let before = "";
  for (const key of Object.keys(value)) {
    if (!PLAIN_KEY.test(key)) throw new Malformed("a JSON key is not plain lower case");
    if (key <= before) throw new Malformed("JSON is not in canonical form");
    before = key;
    checkProfile(value[key], depth - 1);
  }
}

function decode(bytes, limit, depth) {
  if (bytes.length > limit) throw new Malformed(`JSON of ${bytes.length} bytes is longer than the ${limit} allowed`);
  let text, value;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new Malformed("not JSON in UTF-8 as the format demands");
  }
  checkProfile(value, depth);
  if (canonical(value) !== text) throw new Malformed("JSON is not in canonical form");
  return value;
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function hasExactly(value, names) {
  if (!isObject(value)) return false;
  const keys = Object.keys(value);
  return keys.length === names.length && names.every((name) => Object.hasOwn(value, name));
}

function needFields(value, names, what) {
  if (!hasExactly(value, names)) throw new Malformed(`${what} does not have exactly its fields`);
  return value;
}

function needList(value) {
  if (!Array.isArray(value)) throw new Malformed("a list is missing");
  return value;
}
