// The Merkle tree of RFC 6962 over SHA-256. Sizes and indices are BigInt, hashes 32 bytes.

const EMPTY_ROOT = sha256(new Uint8Array(0));

const leafHash = (data) => sha256(joinBytes(new Uint8Array([0]), data));

const nodeBytes = new Uint8Array(65).fill(1, 0, 1);

function nodeHash(left, right) {
  nodeBytes.set(left, 1);
  nodeBytes.set(right, 33);
  return sha256(nodeBytes);
}

const areHashes = (values) => values.every((value) => value.length === 32);

// For each sibling on the way up from the subtree at `level` that holds `leaf`: whether it stands on the right.
function siblingSides(level, leaf, size) {
  const sides = [];
  for (let last = (size - 1n) >> level; last > 0n; level++, last >>= 1n) {
    const index = leaf >> level;
    if (index & 1n) sides.push(false);
    else if (index < last) sides.push(true); // an even last subtree has no sibling
  }
  return sides;
}

// RFC 9162 section 2.1.3.2.
function verifyInclusion(leaf, index, size, proof, root) {
  if (index < 0n || index >= size || !areHashes([leaf, root, ...proof])) return false;
  const sides = siblingSides(0n, index, size);
  if (proof.length !== sides.length) return false;
  const value = proof.reduce((hash, other, i) => (sides[i] ? nodeHash(hash, other) : nodeHash(other, hash)), leaf);
  return equalBytes(value, root);
}

// RFC 9162 section 2.1.4.2. Equal sizes need equal roots and an empty proof; size 0 proves nothing.
function verifyConsistency(oldSize, oldRoot, newSize, newRoot, proof) {
  if (oldSize <= 0n || oldSize > newSize || !areHashes([oldRoot, newRoot, ...proof])) return false;
  if (oldSize === newSize) return equalBytes(oldRoot, newRoot) && proof.length === 0;
  let low = 0n;
  while (!((oldSize >> low) & 1n)) low++;
  // An old tree that is one complete subtree is itself where the path starts; its root is not sent again.
  const path = oldSize === 1n << low ? [oldRoot, ...proof] : proof;
  const sides = siblingSides(low, oldSize - 1n, newSize);
  if (path.length !== sides.length + 1) return false;
  let oldValue = path[0], newValue = path[0];
  path.slice(1).forEach((other, i) => {
    if (sides[i]) { // to the right of all old leaves
      newValue = nodeHash(newValue, other);
    } else {
      oldValue = nodeHash(other, oldValue);
      newValue = nodeHash(other, newValue);
    }
  });
  return equalBytes(oldValue, oldRoot) && equalBytes(newValue, newRoot);
}
