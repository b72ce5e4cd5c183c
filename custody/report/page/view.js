// What the reader sees and does: the verdict on the bundle in this page or on a chosen one, held against the reader's
// own anchors. Text of the record enters the page as text alone, with what cannot be seen made visible.

const SHOWN_AT_ONCE = 200, LISTED = 50, LONGEST = 4000, FILE_LIMIT = 400 * 1024 ** 2;

const byId = (id) => document.getElementById(id);

// What cannot be seen as its code point; more marks on a letter than any orthography needs, and what is very long, cut.
function visible(text) {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)} … [${_("{count} characters in all", { count: text.length })}]` : text;
  return cut
    .replace(/(\p{M}{4})\p{M}+/gu, "$1…")
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu,
      (c) => (c === "\n" ? c : `[U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`));
}

function element(name, content = [], attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...[content].flat().map((item) => (typeof item === "string" ? visible(item) : item)));
  return made;
}

const inDigits = (number, decimals = 0) => number.toLocaleString(document.documentElement.lang || "en",
  { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
const quoted = (text) => element("bdi", text);

const held = { own: null, chosen: null, trust: NO_TRUST, names: [] };

// The bundle in this page. "<" is written \u003c there, which canonical JSON never does by itself.
function ownBundle() {
  const data = byId("bundle");
  return data && utf8(data.textContent.trim().replace(/\\(u003c|[^])/g, (all, code) => (code === "u003c" ? "<" : all)));
}

// Lets the page draw, and says how far it has come.
function reporter(bar) {
  let last = performance.now();
  return async (done, all) => {
    if (performance.now() - last < 150) return;
    bar.max = all;
    bar.value = done;
    await new Promise((resume) => setTimeout(resume));
    last = performance.now();
  };
}

let running = 0; // a verification that was started later makes an earlier one silent

async function verifyNow() {
  const turn = ++running, { bytes, name } = held.chosen ?? held.own ?? {};
  byId("live-result").hidden = true;
  if (!bytes) return say(_("Choose a bundle: it is verified here, in your browser, and sent nowhere."));
  const bar = byId("live-progress"), began = performance.now();
  bar.hidden = false;
  say(_("Verifying …"));
  const trust = { ...held.trust, fingerprints: [...held.trust.fingerprints, ...typedFingerprints()] };
  try {
    const verdict = await verifyBundle(bytes, trust, reporter(bar));
    if (turn === running) showVerdict(verdict, name, (performance.now() - began) / 1000);
  } catch (error) {
    say(_("NOT CHECKED. This browser could not finish the verification ({reason}). Nothing is said about the record.",
      { reason: error.message }));
  } finally {
    bar.hidden = true;
  }
}

function say(text) {
  byId("live-status").textContent = text;
}

function typedFingerprints() {
  const typed = byId("live-anchor").value.toLowerCase().replaceAll(":", "").split(/\s+/).filter(Boolean);
  const wrong = typed.filter((text) => !/^[0-9a-f]{64}$/.test(text));
  complain(wrong.length ? _("A fingerprint has 64 characters: 0 to 9 and a to f.") : "");
  return typed.filter((text) => !wrong.includes(text));
}

function complain(text) {
  byId("live-complaint").textContent = text;
}

const MARK = { [PROVED]: "good", [FAILED]: "bad", [NOT_CHECKED]: "caution" };
const SIGN = { good: "✓ ", caution: "! ", bad: "✗ " };

function marked(mark, text) {
  return element("strong", [element("span", SIGN[mark], { "aria-hidden": "true" }), text], { class: `mark ${mark}` });
}

function showVerdict(verdict, name, seconds) {
  const { result } = verdict, mark = { INTACT: "good", BROKEN: "bad" }[result] ?? "caution";
  const box = byId("live-verdict");
  box.className = `verdict ${mark}`;
  box.replaceChildren(
    element("p", [element("span", [_("Integrity, verified by this page:"), " "], { class: "what" }), marked(mark, HEADLINE[result])],
      { class: "headline" }),
    element("p", MEANING[result]),
    element("p", [element("span", [_("Handling of the evidence:"), " "], { class: "what" }), element("strong", _("not examined by this page"),
      { class: "unsaid" })], { class: "headline" }),
    element("p", HANDLING),
  );
  say(_("{result}. {count} entries verified in {seconds} seconds.",
    { result: HEADLINE[result], count: verdict.entries.length, seconds: inDigits(seconds, 1) }));
  byId("live-claims").replaceChildren(...claimsOf(verdict).map(claimRow));
  byId("live-notes").replaceChildren(...listed(_("Notes"), verdict.notes.map(located)), ...listed(_("Limits"), verdict.limits));
  byId("live-facts").replaceChildren(...factsOf(verdict, name));
  byId("live-entries").replaceChildren(...(verdict.failed.length ? [] : shownEntries(verdict.entries)));
  byId("live-other").hidden = !held.chosen || !held.own;
  byId("live-result").hidden = false;
}

function claimRow({ says, state, why }) {
  const cell = (label, content) => element("td", element("div", content), { role: "cell", "data-label": label });
  const reasons = why.slice(0, LISTED).map((text) => element("p", quoted(text)));
  if (why.length > LISTED) reasons.push(element("p", _("and {count} more", { count: why.length - LISTED })));
  return element("tr", [
    element("th", element("div", says), { scope: "row", role: "rowheader", "data-label": _("Claim") }),
    cell(_("Result"), marked(MARK[state], state)),
    cell(_("Why"), reasons.length ? reasons : "—"),
  ], { role: "row" });
}

function listed(title, texts) {
  if (!texts.length) return [];
  const items = texts.slice(0, LISTED).map((text) => element("li", quoted(text)));
  if (texts.length > LISTED) items.push(element("li", _("and {count} more", { count: texts.length - LISTED })));
  return [element("h4", title), element("ul", items)];
}

function factsOf(verdict, name) {
  const counts = [...verdict.counts].map(([what, number]) => _(`${what} {count}`, { count: inDigits(number) })).join(", ");
  const last = verdict.done && !verdict.failed.length ? _("Complete up to entry {last}, for the exhibits shown. Nothing is said about later.",
    { last: verdict.size - 1n }) : "—";
  const facts = [[_("Bundle"), quoted(name)], [_("Covers"), last], [_("Counted"), counts || "—"]];
  if (verdict.fingerprint) facts.push([_("Its fingerprint"), element("code", verdict.fingerprint)]);
  if (verdict.ledger) facts.push([_("Ledger"), element("code", verdict.ledger)]);
  if (verdict.kind) facts.push([_("Kind"), verdict.kind]);
  return facts.map(([label, value]) => element("div", [element("dt", label), element("dd", value)]));
}

// The entries of a bundle that verifies, a part at a time; fields open when an entry is opened.
function shownEntries(entries, from = 0) {
  const shown = entries.slice(from, from + SHOWN_AT_ONCE).map(shownEntry);
  const rest = entries.length - from - shown.length;
  if (rest > 0) {
    const more = element("button", _("Show more entries ({count} left)", { count: rest }), { type: "button" });
    more.addEventListener("click", () => more.replaceWith(...shownEntries(entries, from + SHOWN_AT_ONCE)));
    shown.push(more);
  }
  return shown;
}

function shownEntry({ index, entry, openings }) {
  const said = (name) => openings.get(name)?.value ?? "";
  const about = [_("Entry {n}", { n: index }), entry.type,
    entry.x ? (entry.x.n ? _("exhibit number {n}", { n: entry.x.n }) : _("the case")) : ""];
  const summary = [...about, said("claimed_at"), said("actor")].map(plainText).filter(Boolean).join(" · ");
  const details = element("details", element("summary", quoted(summary)));
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    const rows = [...openings].filter(([, { value }]) => value !== null).map(([name, { value }]) =>
      element("div", [element("dt", name.replaceAll("_", " ")), element("dd", quoted(plainText(value)))]));
    const closed = Object.keys(entry.commits).filter((name) => !openings.has(name) && name !== "manifest_secret").length;
    details.append(element("dl", rows), element("p", _("{count} fields of this entry are not shown in this bundle.", { count: closed }), { class: "hint" }));
  });
  return details;
}

const plainText = (value) => (typeof value === "string" ? value : JSON.stringify(value));

// --- what the reader brings ------------------------------------------------------------------------------------

// Bundle, checkpoint, trust file or fingerprint: told apart by how it begins.
async function take(file) {
  const start = await file.slice(0, 64).text();
  if (start.startsWith('{"checkpoint"')) {
    if (file.size > FILE_LIMIT) throw new Malformed("this bundle is too large for a browser: verify it with evikit or verify.py");
    held.chosen = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
    return;
  }
  if (file.size > NOTE_LIMIT * 16) throw new Malformed("neither a bundle nor a checkpoint, fingerprint or trust file");
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
  if (/^\s*[0-9a-f]{64}\s*$/i.test(text)) {
    holdTrust({ fingerprints: [text.trim().toLowerCase()] });
  } else if (text.trimStart().startsWith("{")) {
    holdTrust(parseTrust(text));
  } else {
    holdTrust({ heads: [parseKeptHead(text)] });
  }
  held.names.push(file.name);
}

function holdTrust(more) {
  held.trust = Object.fromEntries(Object.keys(NO_TRUST).map((name) => [name, [...held.trust[name], ...(more[name] ?? [])]]));
}

async function takeAll(files) {
  complain("");
  for (const file of files) {
    try {
      await take(file);
    } catch (error) {
      complain(`${visible(file.name)}: ${error.message}. ${_("It is not used.")}`);
    }
  }
  showHeld();
  await verifyNow();
}

function forget() {
  Object.assign(held, { chosen: null, trust: NO_TRUST, names: [] });
  byId("live-anchor").value = byId("live-files").value = "";
  showHeld();
  return verifyNow();
}

function showHeld() {
  const names = [...(held.chosen ? [held.chosen.name] : []), ...held.names];
  byId("live-held").replaceChildren(...names.map((name) => element("li", quoted(name))));
}

function saveBundle() {
  const link = element("a", "", { download: "bundle.json", href: URL.createObjectURL(new Blob([held.own.bytes])) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function begin() {
  const bytes = ownBundle();
  held.own = bytes ? { name: _("the bundle in this page"), bytes } : null;
  byId("live").hidden = false;
  byId("live-save").hidden = !held.own;
  byId("live-save").addEventListener("click", saveBundle);
  byId("live-files").addEventListener("change", (event) => takeAll(event.target.files));
  byId("live-forget").addEventListener("click", forget);
  byId("live-trust").addEventListener("submit", (event) => {
    event.preventDefault();
    verifyNow();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    takeAll(event.dataTransfer.files);
  });
  return verifyNow();
}

if (typeof document !== "undefined") begin();
