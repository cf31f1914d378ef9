// The query page. Without this file the page is a form that sends a query; with it, one that stays and shows the answer.

import { fromFragment, missing, offsetOf, placeOf, toFragment, withPrefixes } from "./sparql-query.js";
import { cellOf, kindOf, sorted, tableOf } from "./sparql-results.js";

const settings = JSON.parse(document.getElementById("settings").textContent);
const words = settings.words;
const $ = (id) => document.getElementById(id);
const editor = $("query");
const ROWS_AT_ONCE = 500;
// Rows and graphs: which of them it is depends on the query, so both are asked for.
const ACCEPT = "application/sparql-results+json, text/turtle;q=0.9";
const DOWNLOADS = {
  rows: [
    ["JSON", "application/sparql-results+json", "srj"],
    ["XML", "application/sparql-results+xml", "srx"],
    ["CSV", "text/csv", "csv"],
    ["TSV", "text/tab-separated-values", "tsv"],
  ],
  graph: [
    ["Turtle", "text/turtle", "ttl"],
    ["N-Triples", "application/n-triples", "nt"],
    ["JSON-LD", "application/ld+json", "jsonld"],
    ["RDF/XML", "application/rdf+xml", "rdf"],
  ],
};

let running = null;
let asked = "";

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function filled(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(2);
}

// --- the editor

function numbered() {
  const lines = editor.value.split("\n").length;
  if (Number($("lines").dataset.count) !== lines) {
    $("lines").dataset.count = String(lines);
    $("lines").textContent = Array.from({ length: lines }, (_, place) => place + 1).join("\n");
  }
  $("lines").scrollTop = editor.scrollTop;
}

function write(query) {
  editor.value = query;
  numbered();
  editor.removeAttribute("aria-invalid");
}

function complete() {
  const lacking = missing(editor.value, settings.prefixes);
  if (lacking.length > 0) write(withPrefixes(editor.value, lacking, settings.prefixes));
  return lacking;
}

editor.addEventListener("input", numbered);
editor.addEventListener("scroll", () => {
  $("lines").scrollTop = editor.scrollTop;
});
editor.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running) running.abort();
});

// --- asking

async function ask(accept, signal) {
  return fetch(settings.endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/sparql-query", Accept: accept, "Accept-Language": document.documentElement.lang },
    body: asked,
    signal,
    credentials: "same-origin",
  });
}

async function run() {
  running?.abort();
  complete();
  asked = editor.value;
  history.replaceState(null, "", toFragment(asked));
  editor.removeAttribute("aria-invalid");
  const mine = new AbortController();
  running = mine;
  const since = performance.now();
  busy(true);
  $("status").textContent = words.running;
  const ticking = setInterval(() => {
    $("clock").textContent = filled(words.seconds, { seconds: seconds(since) });
  }, 100);
  try {
    const answer = await ask(ACCEPT, mine.signal);
    const text = await answer.text();
    if (running !== mine) return;
    show(answer, text, seconds(since));
  } catch (error) {
    if (running !== mine) return;
    if (error.name === "AbortError") {
      $("status").textContent = filled(words.stopped, { seconds: seconds(since) });
    } else {
      fail({ title: words.unreachable, detail: String(error.message) });
    }
  } finally {
    clearInterval(ticking);
    if (running === mine) {
      running = null;
      $("clock").textContent = "";
      busy(false);
    }
  }
}

function busy(is) {
  $("run").disabled = is;
  $("stop").disabled = !is;
  $("result").setAttribute("aria-busy", String(is));
}

// --- the answer

function show(answer, text, took) {
  const kind = kindOf(answer.headers.get("Content-Type") ?? "");
  if (kind === "problem") return fail(JSON.parse(text));
  if (!answer.ok || kind === "other") return fail({ title: filled(words.unexpected, { status: answer.status }), detail: text.slice(0, 500) });
  $("result").replaceChildren();
  if (kind === "graph") {
    $("status").textContent = filled(words.graph, { seconds: took });
    $("result").append(element("pre", { tabIndex: 0 }, element("code", { textContent: text })));
  } else {
    const table = tableOf(JSON.parse(text));
    if (table.truth !== null) {
      $("status").textContent = filled(words.answered, { seconds: took });
      $("result").append(element("p", { className: "truth", textContent: table.truth ? words.yes : words.no }));
    } else {
      $("status").textContent = filled(table.rows.length === 1 ? words.row : words.rows, { count: table.rows.length, seconds: took });
      if (table.rows.length > 0) draw(table);
    }
  }
  $("result").prepend(taken(kind));
}

/** The buttons that fetch the answer in a form of one's choice. */
function taken(kind) {
  const row = element("p", { className: "downloads" }, `${words.download} `);
  for (const [name, type, ending] of DOWNLOADS[kind]) {
    const button = element("button", { type: "button", className: "plain", textContent: name });
    button.addEventListener("click", () => download(button, type, ending));
    row.append(button, " ");
  }
  return row;
}

async function download(button, type, ending) {
  button.disabled = true;
  try {
    const answer = await ask(type);
    if (!answer.ok) return fail(await problemIn(answer));
    const address = URL.createObjectURL(await answer.blob());
    const link = element("a", { href: address, download: `result.${ending}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  } catch (error) {
    fail({ title: words.unreachable, detail: String(error.message) });
  } finally {
    button.disabled = false;
  }
}

async function problemIn(answer) {
  const text = await answer.text();
  return kindOf(answer.headers.get("Content-Type") ?? "") === "problem"
    ? JSON.parse(text)
    : { title: filled(words.unexpected, { status: answer.status }), detail: text.slice(0, 500) };
}

function fail(problem) {
  const place = placeOf(problem);
  const told = element("div", { className: "notice", role: "alert" }, element("strong", { textContent: problem.title ?? words.failed }));
  told.append(element("p", { className: "prose", textContent: problem.detail ?? "" }));
  if (place) {
    const line = editor.value.split("\n")[place.line - 1] ?? "";
    const button = element("button", { type: "button", className: "plain", textContent: filled(words.place, place) });
    button.addEventListener("click", () => pointTo(place));
    told.append(element("p", {}, button, " ", element("code", { textContent: line.trim() })));
    editor.setAttribute("aria-invalid", "true");
  }
  $("status").textContent = "";
  $("result").replaceChildren(told);
}

function pointTo(place) {
  const at = offsetOf(editor.value, place);
  const end = editor.value.indexOf("\n", at);
  editor.focus();
  editor.setSelectionRange(at, end === -1 ? editor.value.length : Math.max(end, at));
  // Setting a selection does not bring it into sight.
  editor.scrollTop = Math.max(0, (place.line - 3) * (editor.scrollHeight / editor.value.split("\n").length));
}

function draw(table) {
  let rows = table.rows;
  let order = { column: null, descending: false };
  const heads = table.columns.map((column, number) => {
    const button = element("button", { type: "button", className: "sort", textContent: column });
    const head = element("th", { scope: "col" }, button);
    button.addEventListener("click", () => {
      order = { column: number, descending: order.column === number && !order.descending };
      rows = sorted(table.rows, number, order.descending, document.documentElement.lang);
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
      body.replaceChildren();
      more();
    });
    return head;
  });
  const body = element("tbody");
  const further = element("button", { type: "button", className: "plain" });
  const more = () => {
    const shown = body.childElementCount;
    body.append(...rows.slice(shown, shown + ROWS_AT_ONCE).map(drawnRow));
    const left = rows.length - body.childElementCount;
    further.hidden = left === 0;
    further.textContent = filled(words.more, { count: Math.min(left, ROWS_AT_ONCE), left });
  };
  further.addEventListener("click", more);
  more();
  const box = element("div", { className: "table-box", tabIndex: 0, role: "region", "aria-label": words.results });
  box.append(element("table", { className: "bindings" }, element("thead", {}, element("tr", {}, ...heads)), body));
  $("result").append(box, further);
}

function drawnRow(row) {
  return element("tr", {}, ...row.map((term) => drawnCell(cellOf(term, settings))));
}

function drawnCell(cell) {
  const content = element(cell.href ? "a" : "span", { textContent: cell.text });
  if (cell.href) {
    content.href = cell.href;
    content.rel = "noreferrer";
  }
  if (cell.lang) content.lang = cell.lang;
  const made = element("td", { className: cell.number ? "number" : "" }, content);
  const aside = cell.lang ? `@${cell.lang}` : cell.aside;
  if (aside) made.append(" ", element("span", { className: "note", textContent: aside }));
  return made;
}

// --- the rest of the page

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
$("stop").addEventListener("click", () => running?.abort());
$("complete").addEventListener("click", () => {
  const added = complete();
  $("status").textContent = added.length > 0 ? filled(words.completed, { names: added.join(", ") }) : words.nothingMissing;
  editor.focus();
});
$("share").addEventListener("click", async () => {
  history.replaceState(null, "", toFragment(editor.value));
  try {
    await navigator.clipboard.writeText(location.href);
    $("status").textContent = words.copied;
  } catch {
    // Without https, or without leave, there is no clipboard; the address bar holds it all the same.
    $("status").textContent = words.inAddress;
  }
});
for (const link of document.querySelectorAll("a[data-example]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    write(settings.examples[link.dataset.example]);
    editor.focus();
    editor.setSelectionRange(0, 0);
    editor.scrollTop = 0;
    run();
  });
}
for (const button of document.querySelectorAll("button[data-prefix]")) {
  button.addEventListener("click", () => {
    write(withPrefixes(editor.value, [button.dataset.prefix], settings.prefixes));
    editor.focus();
  });
}

function fromAddress() {
  const query = fromFragment(location.hash);
  if (query !== null && query !== editor.value) write(query);
}

window.addEventListener("hashchange", fromAddress);
for (const made of document.querySelectorAll("[data-script]")) made.hidden = false;
for (const left of document.querySelectorAll("[data-plain]")) left.remove();
busy(false);
fromAddress();
numbered();
