// The page on which people ask GraphQL. The schema comes from introspection; nothing is fetched from anywhere else.

import { about, laidOut, operationAt, read } from "./graphql-read.js";
import { conditions, INTROSPECTION, named, schemaOf, written } from "./graphql-schema.js";

const settings = JSON.parse(document.getElementById("settings").textContent);
const words = settings.words;
const $ = (id) => document.getElementById(id);
const editor = $("query");
const variables = $("variables");
const HISTORY = "musubi-graphql-history";
const MOST_KEPT = 30;
const MOST_OFFERED = 100;
const CHECKED_AFTER_MS = 250;
const EVENTS_SHOWN = 200;

let schema = null;
let running = null;
let offered = { items: [], chosen: 0, start: 0, end: 0 };

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

// --- asking

function headers(accept) {
  const made = { "Content-Type": "application/json", Accept: accept, "Accept-Language": document.documentElement.lang };
  const token = $("token").value.trim();
  if (token) made.Authorization = `Bearer ${token}`;
  else if (settings.csrf) made["X-CSRF-Token"] = settings.csrf;
  return made;
}

function ask(question, accept, signal) {
  return fetch(settings.endpoint, { method: "POST", headers: headers(accept), body: JSON.stringify(question), signal, credentials: "same-origin" });
}

async function learn() {
  try {
    const answer = await ask({ query: INTROSPECTION }, "application/graphql-response+json");
    const told = await answer.json();
    if (!told.data) throw new Error(told.errors?.[0]?.message ?? filled(words.unexpected, { status: answer.status }));
    schema = schemaOf(told.data);
    document.documentElement.dataset.schema = "known";
    check();
    explain([]);
  } catch (error) {
    $("docs").replaceChildren(element("p", { className: "notice", textContent: `${words.noSchema} ${error.message}` }));
  }
}

async function run() {
  running?.abort();
  close();
  const mine = new AbortController();
  let question;
  try {
    question = asked();
  } catch (error) {
    fail(words.variablesWrong, error.message);
    $("variables-box").open = true;
    variables.focus();
    return;
  }
  running = mine;
  const since = performance.now();
  busy(true);
  $("status").textContent = words.running;
  remember(question);
  try {
    if (question.type === "subscription") await listen(question, mine, since);
    else await answerOnce(question, mine, since);
  } catch (error) {
    if (running !== mine) return;
    if (error.name === "AbortError") $("status").textContent = filled(words.stopped, { seconds: seconds(since) });
    else fail(words.unreachable, error.message);
  } finally {
    if (running === mine) {
      running = null;
      busy(false);
    }
  }
}

/** What is sent: the query with its variables, and the operation that the cursor stands in. */
function asked() {
  const query = editor.value;
  const told = variables.value.trim() ? JSON.parse(variables.value) : {};
  if (told === null || typeof told !== "object" || Array.isArray(told)) throw new Error("{ … }");
  const operations = schema ? read(query, schema).operations : [];
  const chosen = operationAt(operations, editor.selectionStart);
  const question = { query, variables: told };
  if (operations.length > 1 && chosen?.name) question.operationName = chosen.name;
  Object.defineProperty(question, "type", { value: chosen?.type ?? "query" });
  return question;
}

async function answerOnce(question, mine, since) {
  const answer = await ask(question, "application/graphql-response+json, application/json;q=0.9", mine.signal);
  const text = await answer.text();
  if (running !== mine) return;
  let told;
  try {
    told = JSON.parse(text);
  } catch {
    return fail(filled(words.unexpected, { status: answer.status }), text.slice(0, 500));
  }
  if (told.data === undefined && !told.errors) return fail(told.title ?? filled(words.unexpected, { status: answer.status }), told.detail ?? "");
  const cost = told.extensions?.cost;
  $("status").textContent = filled(cost ? words.answeredAtCost : words.answered, { seconds: seconds(since), cost: cost?.cost, limit: cost?.limit });
  $("result").replaceChildren(...(told.errors ?? []).map(drawnError), element("pre", { tabIndex: 0, id: "answer" }, element("code", { textContent: JSON.stringify(told, null, 2) })));
}

/** A subscription: its events as they come, the newest first. */
async function listen(question, mine, since) {
  const answer = await ask(question, "text/event-stream", mine.signal);
  if (!answer.ok || !(answer.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) {
    const text = await answer.text();
    return fail(filled(words.unexpected, { status: answer.status }), text.slice(0, 500));
  }
  const list = element("div", { id: "events" });
  $("result").replaceChildren(list);
  $("status").textContent = words.listening;
  let count = 0;
  let rest = "";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || running !== mine) break;
    const parts = (rest + value).split(/\r?\n\r?\n/);
    rest = parts.pop();
    for (const part of parts) {
      const event = /^event: ?(.*)$/m.exec(part)?.[1];
      const data = [...part.matchAll(/^data: ?(.*)$/gm)].map((match) => match[1]).join("\n");
      if (event !== "next" || !data) continue;
      count += 1;
      list.prepend(element("pre", { tabIndex: 0 }, element("code", { textContent: JSON.stringify(JSON.parse(data), null, 2) })));
      if (list.childElementCount > EVENTS_SHOWN) list.lastChild.remove();
      $("status").textContent = filled(words.events, { count });
    }
  }
  $("status").textContent = filled(words.ended, { count, seconds: seconds(since) });
}

function busy(is) {
  $("run").disabled = is;
  $("stop").disabled = !is;
  $("result").setAttribute("aria-busy", String(is));
}

function drawnError(error) {
  const told = element("div", { className: "notice", role: "alert" }, element("p", { className: "prose", textContent: error.message }));
  const notes = [error.extensions?.code, error.path?.join(".")].filter(Boolean);
  if (notes.length > 0) told.append(element("p", { className: "note", textContent: notes.join(" · ") }));
  const place = error.locations?.[0];
  if (place) {
    const button = element("button", { type: "button", className: "plain", textContent: filled(words.place, place) });
    button.addEventListener("click", () => point(offsetOf(place)));
    told.append(button);
  }
  return told;
}

function fail(title, detail) {
  $("status").textContent = "";
  $("result").replaceChildren(element("div", { className: "notice", role: "alert" }, element("strong", { textContent: title }), element("p", { className: "prose", textContent: detail })));
}

// --- the editor

function numbered(marked = new Set()) {
  const count = editor.value.split("\n").length;
  $("lines").replaceChildren(
    ...Array.from({ length: count }, (_, place) => element(marked.has(place + 1) ? "b" : "span", { textContent: `${place + 1}\n` })),
  );
  $("lines").scrollTop = editor.scrollTop;
}

function write(query, told = null) {
  editor.value = query;
  if (told !== null) variables.value = told;
  if (variables.value.trim()) $("variables-box").open = true;
  close();
  check();
}

function placeOf(offset) {
  const before = editor.value.slice(0, offset).split("\n");
  return { line: before.length, column: before.at(-1).length + 1 };
}

function offsetOf(place) {
  const lines = editor.value.split("\n");
  return lines.slice(0, place.line - 1).reduce((sum, text) => sum + text.length + 1, 0) + place.column - 1;
}

function point(start, end = start) {
  editor.focus();
  editor.setSelectionRange(start, end);
  const lines = editor.value.split("\n").length;
  editor.scrollTop = Math.max(0, (placeOf(start).line - 3) * (editor.scrollHeight / lines));
}

let checking = null;
function checkSoon() {
  clearTimeout(checking);
  checking = setTimeout(check, CHECKED_AFTER_MS);
}

function check() {
  clearTimeout(checking);
  if (!schema) return numbered();
  const { problems } = editor.value.trim() ? read(editor.value, schema) : { problems: [] };
  numbered(new Set(problems.map((each) => placeOf(each.start).line)));
  editor.toggleAttribute("aria-invalid", problems.length > 0);
  $("problems").replaceChildren(
    ...problems.slice(0, 10).map((each) => {
      const near = each.values.near?.length ? ` ${filled(words.near, { names: each.values.near.join(", ") })}` : "";
      const button = element("button", { type: "button", className: "plain", textContent: filled(words.place, placeOf(each.start)) });
      button.addEventListener("click", () => point(each.start, each.end));
      return element("li", {}, button, ` ${filled(words[each.code], each.values)}${near}`);
    }),
  );
  checkVariables();
}

function checkVariables() {
  let wrong = "";
  try {
    if (variables.value.trim()) JSON.parse(variables.value);
  } catch (error) {
    wrong = error.message;
  }
  variables.toggleAttribute("aria-invalid", wrong !== "");
  $("variables-problem").textContent = wrong;
}

// --- completion

function offer(always) {
  if (!schema) return;
  const cursor = editor.selectionStart;
  const before = editor.value.slice(0, cursor);
  if (!always && !/[A-Za-z_]$/.test(before)) return close();
  const { place } = read(editor.value, schema, cursor);
  if (!place) return close();
  const begun = editor.value.slice(place.start, cursor).toLowerCase();
  const fitting = place.items
    .filter((each) => each.name.toLowerCase().includes(begun))
    .sort((a, b) => b.name.toLowerCase().startsWith(begun) - a.name.toLowerCase().startsWith(begun))
    .slice(0, MOST_OFFERED);
  const whole = fitting.length === 1 && fitting[0].name === editor.value.slice(place.start, place.end);
  if (fitting.length === 0 || (whole && !always)) return close();
  offered = { items: fitting, chosen: 0, start: place.start, end: place.end };
  draw();
}

function draw() {
  const list = $("offers");
  list.replaceChildren(
    ...offered.items.map((each, place) => {
      const item = element("li", { role: "option", id: `offer-${place}`, className: each.deprecated ? "deprecated" : "" }, element("span", { textContent: each.name }), " ", element("span", { className: "note", textContent: each.type }));
      item.setAttribute("aria-selected", String(place === offered.chosen));
      item.addEventListener("mousedown", (event) => {
        event.preventDefault();
        offered.chosen = place;
        choose();
      });
      return item;
    }),
  );
  const { line } = placeOf(offered.start);
  const style = getComputedStyle(editor);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = style.font;
  const begun = editor.value.slice(0, offered.start).split("\n").at(-1);
  const left = parseFloat(style.paddingLeft) + pen.measureText(begun).width - editor.scrollLeft;
  const top = parseFloat(style.paddingTop) + line * parseFloat(style.lineHeight) - editor.scrollTop;
  list.hidden = false;
  list.style.left = `${editor.offsetLeft + Math.max(0, Math.min(left, editor.clientWidth - list.offsetWidth))}px`;
  list.style.top = `${editor.offsetTop + Math.min(top, editor.clientHeight)}px`;
  editor.setAttribute("aria-activedescendant", `offer-${offered.chosen}`);
  editor.setAttribute("aria-expanded", "true");
  list.children[offered.chosen]?.scrollIntoView({ block: "nearest" });
  tell(offered.items[offered.chosen]);
}

function tell(item) {
  $("hint").textContent = item?.description?.split("\n")[0] ?? "";
}

function close() {
  offered = { items: [], chosen: 0, start: 0, end: 0 };
  $("offers").hidden = true;
  $("hint").textContent = "";
  editor.removeAttribute("aria-activedescendant");
  editor.setAttribute("aria-expanded", "false");
}

function choose() {
  const item = offered.items[offered.chosen];
  const rest = editor.value.slice(offered.end);
  let after = "";
  let back = 0;
  if (item.value && !/^\s*:/.test(rest)) after = ": ";
  else if (item.required?.length && !/^\s*\(/.test(rest)) {
    after = `(${item.required.map((name) => `${name}: `).join(", ")})${item.composite ? " { }" : ""}`;
    back = after.length - item.required[0].length - 3;
  } else if (item.composite && !/^\s*[({]/.test(rest)) {
    after = " {  }";
    back = 2;
  }
  const start = offered.start;
  editor.setRangeText(item.name + after, start, offered.end, "end");
  const at = start + item.name.length + after.length - back;
  editor.setSelectionRange(at, at);
  close();
  check();
  if (item.value || back) offer(true);
}

editor.addEventListener("input", (event) => {
  checkSoon();
  numbered();
  if (event.inputType?.startsWith("insert")) offer(false);
  else close();
});
editor.addEventListener("scroll", () => {
  $("lines").scrollTop = editor.scrollTop;
  if (!$("offers").hidden) close();
});
editor.addEventListener("blur", close);
editor.addEventListener("keydown", (event) => {
  const open = !$("offers").hidden;
  const control = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && control) {
    event.preventDefault();
    run();
  } else if (event.key === " " && event.ctrlKey) {
    event.preventDefault();
    offer(true);
  } else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    offered.chosen = (offered.chosen + step + offered.items.length) % offered.items.length;
    draw();
  } else if (open && (event.key === "Enter" || event.key === "Tab")) {
    event.preventDefault();
    choose();
  } else if (open && event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    close();
  } else if (event.key === "Enter" && !event.isComposing) {
    // A new line begins where the last one did, and deeper behind a brace.
    event.preventDefault();
    const line = editor.value.slice(0, editor.selectionStart).split("\n").at(-1);
    const deeper = /[{(\[]\s*$/.test(line) ? "  " : "";
    editor.setRangeText(`\n${/^\s*/.exec(line)[0]}${deeper}`, editor.selectionStart, editor.selectionEnd, "end");
    checkSoon();
    numbered();
  } else if (event.key === "F1") {
    event.preventDefault();
    const found = schema && about(editor.value, schema, editor.selectionStart);
    if (found) explain([found.parent, found.field]);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running) running.abort();
});

// --- documentation

/** What there is to know: of nothing in particular, of a type, of a field of a type. */
function explain([type, field]) {
  const told = type ? schema.types.get(type) : null;
  const parts = [];
  if (!told) {
    for (const [name, root] of Object.entries(schema.roots)) {
      if (root) parts.push(element("p", {}, `${name}: `, typeButton(root)));
    }
    parts.push(element("p", { className: "note", textContent: words.docsLead }));
  } else {
    const back = element("button", { type: "button", className: "plain", textContent: "←" });
    back.setAttribute("aria-label", words.back);
    back.addEventListener("click", () => explain(field ? [type] : []));
    parts.push(element("p", {}, back, " ", element("strong", { textContent: field ? `${type}.${field}` : type })));
    if (field) parts.push(...explainedField(schema.fields.get(type).get(field)));
    else parts.push(...explainedType(told));
  }
  $("docs").replaceChildren(...parts);
}

function described(text) {
  return text ? [element("p", { className: "prose", textContent: text })] : [];
}

function typeButton(name, label = name) {
  const button = element("button", { type: "button", className: "bare", textContent: label });
  button.addEventListener("click", () => explain([name]));
  return button;
}

function explainedField(field) {
  const parts = [element("p", {}, typeButton(named(field.type), written(field.type))), ...described(field.description)];
  if (field.isDeprecated) parts.push(element("p", { className: "notice", textContent: field.deprecationReason ?? "" }));
  if (field.args.length > 0) parts.push(valueList(field.args));
  return parts;
}

function valueList(values) {
  return element("dl", {}, ...values.flatMap((each) => [element("dt", {}, `${each.name}: `, typeButton(named(each.type), written(each.type)), each.defaultValue === null ? "" : ` = ${each.defaultValue}`), element("dd", { textContent: each.description ?? "" })]));
}

function explainedType(told) {
  const parts = described(told.description);
  const fields = schema.fields.get(told.name);
  if (fields) {
    const list = [...fields.values()].filter((each) => !each.name.startsWith("__"));
    parts.push(
      element("dl", {}, ...list.flatMap((each) => {
        const button = element("button", { type: "button", className: "bare", textContent: each.name });
        button.addEventListener("click", () => explain([told.name, each.name]));
        return [element("dt", {}, button, each.args.length > 0 ? "(…): " : ": ", typeButton(named(each.type), written(each.type))), element("dd", { textContent: each.description?.split("\n")[0] ?? "" })];
      })),
    );
  }
  if (told.inputFields) parts.push(valueList(told.inputFields));
  if (told.enumValues) parts.push(element("dl", {}, ...told.enumValues.flatMap((each) => [element("dt", { textContent: each.name }), element("dd", { textContent: each.description ?? "" })])));
  const others = conditions(schema, told.name).filter((name) => name !== told.name);
  if (["INTERFACE", "UNION", "OBJECT"].includes(told.kind) && others.length > 0) parts.push(element("p", {}, ...others.flatMap((name) => [typeButton(name), " "])));
  return parts;
}

$("find").addEventListener("input", () => {
  if (!schema) return;
  const wanted = $("find").value.trim().toLowerCase();
  if (!wanted) return explain([]);
  const found = [];
  for (const [type, told] of schema.types) {
    if (type.startsWith("__")) continue;
    if (type.toLowerCase().includes(wanted)) found.push([type]);
    for (const field of told.fields ?? []) {
      if (field.name.toLowerCase().includes(wanted)) found.push([type, field.name]);
    }
  }
  const rank = ([type, field]) => ((field ?? type).toLowerCase() === wanted ? 0 : (field ?? type).toLowerCase().startsWith(wanted) ? 1 : 2);
  found.sort((a, b) => rank(a) - rank(b) || a.length - b.length);
  $("docs").replaceChildren(
    element("ul", { className: "found" }, ...found.slice(0, MOST_OFFERED).map((each) => {
      const button = element("button", { type: "button", className: "bare", textContent: each.join(".") });
      button.addEventListener("click", () => explain(each));
      return element("li", {}, button);
    })),
  );
  if (found.length === 0) $("docs").replaceChildren(element("p", { textContent: words.nothingFound }));
});

// --- what was asked before

function kept() {
  try {
    const told = JSON.parse(localStorage.getItem(HISTORY) ?? "[]");
    return Array.isArray(told) ? told.filter((each) => typeof each?.query === "string") : [];
  } catch {
    // Storage may be closed to the page, or hold what another version wrote: then there is no history.
    return [];
  }
}

function remember(question) {
  const one = { query: question.query, variables: variables.value, at: new Date().toISOString() };
  const others = kept().filter((each) => each.query !== one.query || each.variables !== one.variables);
  try {
    localStorage.setItem(HISTORY, JSON.stringify([one, ...others].slice(0, MOST_KEPT)));
  } catch {
    return;
  }
  drawHistory();
}

function drawHistory() {
  const list = kept();
  $("history").replaceChildren(
    ...list.map((each) => {
      const label = each.query.replace(/\s+/g, " ").slice(0, 80);
      const button = element("button", { type: "button", className: "bare", textContent: label });
      button.addEventListener("click", () => write(each.query, each.variables ?? ""));
      return element("li", {}, button, " ", element("time", { className: "note", dateTime: each.at, textContent: new Date(each.at).toLocaleString(document.documentElement.lang) }));
    }),
  );
  $("forget").hidden = list.length === 0;
}

// --- the rest of the page

function toFragment() {
  const told = new URLSearchParams({ query: editor.value });
  if (variables.value.trim()) told.set("variables", variables.value);
  return `#${told}`;
}

function fromAddress() {
  const told = new URLSearchParams(location.hash.slice(1));
  const query = told.get("query");
  if (query !== null && query !== editor.value) write(query, told.get("variables") ?? "");
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
$("stop").addEventListener("click", () => running?.abort());
$("lay-out").addEventListener("click", () => write(laidOut(editor.value)));
$("share").addEventListener("click", async () => {
  history.replaceState(null, "", toFragment());
  try {
    await navigator.clipboard.writeText(location.href);
    $("status").textContent = words.copied;
  } catch {
    // Without https, or without leave, there is no clipboard; the address bar holds it all the same.
    $("status").textContent = words.inAddress;
  }
});
$("forget").addEventListener("click", () => {
  localStorage.removeItem(HISTORY);
  drawHistory();
});
$("token").addEventListener("change", learn);
variables.addEventListener("input", checkVariables);
for (const button of document.querySelectorAll("[data-example]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const example = settings.examples[button.dataset.example];
    write(example.query, example.variables);
    run();
  });
}
window.addEventListener("hashchange", fromAddress);
for (const made of document.querySelectorAll("[data-script]")) made.hidden = false;
busy(false);
close();
drawHistory();
fromAddress();
numbered();
learn();
