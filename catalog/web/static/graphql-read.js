// A GraphQL document read against the schema: what is wrong with it and where, what may stand at the cursor, and which
// operations there are. One reading serves all three, so that they never disagree. No DOM here.

import { conditions, isComposite, isRequired, itemOf, named, near, written } from "./graphql-schema.js";

const TOKEN =
  /(?<skip>[\s,\uFEFF]+|#[^\n\r]*)|(?<spread>\.\.\.)|(?<block>"""(?:\\"""|[^])*?""")|(?<string>"(?:\\.|[^"\\\n\r])*")|(?<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))|(?<name>[A-Za-z_]\w*)|(?<mark>[!$&()\[\]{}:=@|])|(?<wrong>[^])/gy;

/** The tokens of a text: {type, text, start, end}, and one of type "end" behind them. */
export function tokens(text) {
  const found = [];
  for (const match of text.matchAll(TOKEN)) {
    const type = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    if (type !== "skip") found.push({ type, text: match[0], start: match.index, end: match.index + match[0].length });
  }
  found.push({ type: "end", text: "", start: text.length, end: text.length });
  return found;
}

class Stopped extends Error {}

/**
 * Read a document. `cursor` is where the writer stands, or null.
 * Gives {problems: [{code, values, start, end}], operations: [{name, type, variables}], place: {items, start, end, about}}.
 */
export function read(text, schema, cursor = null) {
  const reading = new Reading(text, schema, cursor);
  try {
    reading.document();
    reading.conclude();
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  return { problems: reading.problems, operations: reading.operations, place: reading.place };
}

class Reading {
  constructor(text, schema, cursor) {
    this.tokens = tokens(text);
    this.at = 0;
    this.schema = schema;
    this.cursor = cursor;
    this.problems = [];
    this.operations = [];
    this.place = null;
    this.fragments = new Map();
    this.spreads = [];
    this.uses = null; // the variables used by the operation or fragment being read
  }

  // --- tokens

  get next() {
    return this.tokens[this.at];
  }

  is(text) {
    return this.next.text === text && this.next.type !== "string" && this.next.type !== "block";
  }

  take() {
    const token = this.next;
    this.at += 1;
    return token;
  }

  expect(text) {
    if (!this.is(text)) this.stop("expected", { what: text });
    return this.take();
  }

  name(what) {
    if (this.next.type !== "name") this.stop("expected", { what });
    return this.take();
  }

  wrong(code, values, token) {
    this.problems.push({ code, values, start: token.start, end: Math.max(token.end, token.start) });
  }

  stop(code, values) {
    this.wrong(this.next.type === "end" ? "unfinished" : code, { ...values, found: this.next.text }, this.next);
    throw new Stopped();
  }

  /** If the cursor stands before or in the next token, this is what may stand there. */
  offer(items, about = null) {
    if (this.cursor === null || this.place !== null) return;
    const token = this.next;
    const inside = token.type === "name" && token.start <= this.cursor && this.cursor <= token.end;
    const before = this.cursor <= token.start && (this.at === 0 || this.tokens[this.at - 1].end <= this.cursor);
    if (!inside && !before) return;
    // Right behind a name, with nothing between, one is still writing that name.
    const start = inside ? token.start : this.cursor;
    this.place = { items: items(), start, end: inside ? token.end : this.cursor, about };
  }

  // --- documents

  document() {
    if (this.next.type === "end") this.offer(() => this.keywords());
    while (this.next.type !== "end") {
      this.offer(() => this.keywords());
      if (this.is("{")) this.operation("query", null);
      else if (this.is("fragment")) this.fragment();
      else if (["query", "mutation", "subscription"].includes(this.next.text)) this.operation(this.take().text, null);
      else this.stop("expected", { what: "query" });
    }
    this.offer(() => this.keywords());
  }

  keywords() {
    const roots = Object.entries(this.schema.roots).filter(([, type]) => type);
    return [...roots.map(([name]) => name), "fragment"].map((name) => ({ name, type: "", description: null }));
  }

  operation(type) {
    const name = this.next.type === "name" ? this.take() : null;
    const root = this.schema.roots[type];
    this.uses = { names: [], spreads: [] };
    const defined = this.is("(") ? this.variables() : new Map();
    this.directives();
    const mine = this.uses;
    if (!root) this.wrong("noOperation", { type }, this.next);
    const start = this.next;
    if (!this.is("{")) this.stop("expected", { what: "{" });
    this.operations.push({ name: name?.text ?? null, type, variables: [...defined.values()], uses: mine, defined, start: start.start });
    this.selection(root ?? null);
    this.operations.at(-1).end = this.tokens[this.at - 1].end;
  }

  fragment() {
    this.take();
    const name = this.name("…");
    this.offer(() => [{ name: "on", type: "", description: null }]);
    if (!this.is("on")) this.stop("expected", { what: "on" });
    this.take();
    const condition = this.condition([...this.schema.types.values()].filter((each) => isComposite(this.schema, each.name)).map((each) => each.name));
    this.uses = { names: [], spreads: [] };
    if (this.fragments.has(name.text)) this.wrong("twice", { name: name.text }, name);
    this.fragments.set(name.text, { uses: this.uses, token: name });
    this.directives();
    this.selection(condition);
  }

  condition(allowed) {
    this.offer(() => allowed.map((each) => this.typeItem(each)));
    const token = this.name("…");
    if (!isComposite(this.schema, token.text)) {
      this.wrong("unknownType", { name: token.text, near: near(token.text, allowed) }, token);
      return null;
    }
    return token.text;
  }

  typeItem(name) {
    return { name, type: "", description: this.schema.types.get(name)?.description ?? null };
  }

  variables() {
    const found = new Map();
    this.expect("(");
    while (!this.is(")")) {
      this.expect("$");
      const name = this.name("…");
      this.expect(":");
      const type = this.type();
      let given = false;
      if (this.is("=")) {
        this.take();
        this.value(type);
        given = true;
      }
      this.directives();
      if (found.has(name.text)) this.wrong("twice", { name: `$${name.text}` }, name);
      found.set(name.text, { name: name.text, type, required: type?.kind === "NON_NULL" && !given, token: name });
    }
    this.expect(")");
    return found;
  }

  type() {
    let made;
    if (this.is("[")) {
      this.take();
      made = { kind: "LIST", name: null, ofType: this.type() };
      this.expect("]");
    } else {
      const inputs = () => [...this.schema.types.values()].filter((each) => ["SCALAR", "ENUM", "INPUT_OBJECT"].includes(each.kind) && !each.name.startsWith("__")).map((each) => each.name);
      this.offer(() => inputs().map((each) => this.typeItem(each)));
      const token = this.name("…");
      const known = this.schema.types.get(token.text);
      if (!known || isComposite(this.schema, token.text)) this.wrong("unknownType", { name: token.text, near: near(token.text, inputs()) }, token);
      made = { kind: known?.kind ?? "SCALAR", name: token.text, ofType: null };
    }
    if (this.is("!")) {
      this.take();
      made = { kind: "NON_NULL", name: null, ofType: made };
    }
    return made;
  }

  directives() {
    while (this.is("@")) {
      this.take();
      this.offer(() => [...this.schema.directives.values()].map((each) => ({ name: each.name, type: "", description: each.description })));
      const token = this.name("…");
      const known = this.schema.directives.get(token.text);
      if (!known) this.wrong("unknownDirective", { name: token.text, near: near(token.text, this.schema.directives.keys()) }, token);
      this.arguments(known?.args ?? null, token, `@${token.text}`);
    }
  }

  // --- selections

  selection(parent) {
    this.expect("{");
    const fields = parent === null ? null : this.schema.fields.get(parent);
    const offered = () => this.offer(() => this.fieldItems(parent, fields), { parent });
    offered();
    if (this.is("}")) this.wrong("empty", { type: parent ?? "" }, this.next);
    while (!this.is("}")) {
      offered();
      if (this.is("...")) this.spread(parent);
      else this.field(parent, fields);
      offered();
    }
    this.expect("}");
  }

  fieldItems(parent, fields) {
    if (!fields) return [];
    const items = [...fields.values()].map((field) => ({
      name: field.name,
      type: written(field.type),
      description: field.description,
      deprecated: field.isDeprecated ?? false,
      required: field.args.filter(isRequired).map((each) => each.name),
      composite: isComposite(this.schema, named(field.type)),
    }));
    return items.sort((a, b) => a.name.startsWith("__") - b.name.startsWith("__"));
  }

  spread(parent) {
    this.take();
    this.offer(() => [
      { name: "on", type: "", description: null },
      ...[...this.fragments.keys()].map((name) => ({ name, type: "", description: null })),
    ]);
    if (this.is("on")) {
      this.take();
      const allowed = parent === null ? [] : conditions(this.schema, parent);
      const token = this.next;
      const condition = this.condition(allowed);
      if (condition !== null && parent !== null && !allowed.includes(condition)) this.wrong("impossible", { type: condition, parent }, token);
      this.directives();
      this.selection(condition);
    } else if (this.next.type === "name") {
      const token = this.take();
      this.uses.spreads.push(token.text);
      this.spreads.push(token);
      this.directives();
    } else {
      this.directives();
      this.selection(parent);
    }
  }

  field(parent, fields) {
    let token = this.name("…");
    if (this.is(":")) {
      this.take();
      this.offer(() => this.fieldItems(parent, fields), { parent });
      token = this.name("…");
    }
    const known = fields?.get(token.text) ?? null;
    if (fields && !known) this.wrong("unknownField", { name: token.text, type: parent, near: near(token.text, fields.keys()) }, token);
    token.about = known ? { parent, field: token.text } : null;
    this.arguments(known?.args ?? null, token, token.text);
    this.directives();
    const inner = known ? named(known.type) : null;
    if (this.is("{")) {
      if (known && !isComposite(this.schema, inner)) this.wrong("leaf", { name: token.text, type: written(known.type) }, token);
      this.selection(known && isComposite(this.schema, inner) ? inner : null);
    } else if (known && isComposite(this.schema, inner)) {
      this.wrong("needsFields", { name: token.text, type: written(known.type) }, token);
    }
  }

  // --- arguments and values

  arguments(known, owner, what) {
    const given = new Set();
    if (this.is("(")) {
      this.take();
      const offered = () => this.offer(() => this.valueItems(known, given), { arguments: what });
      offered();
      if (this.is(")")) this.stop("expected", { what: "…" });
      while (!this.is(")")) {
        offered();
        this.member(known, given, what);
        offered();
      }
      this.expect(")");
    }
    if (known) this.lacking(known, given, owner, what);
  }

  valueItems(known, given) {
    return (known ?? [])
      .filter((each) => !given.has(each.name))
      .map((each) => ({ name: each.name, type: written(each.type), description: each.description, value: true, needed: isRequired(each) }));
  }

  member(known, given, what) {
    const token = this.name("…");
    const told = known?.find((each) => each.name === token.text) ?? null;
    if (known && !told) this.wrong("unknownArgument", { name: token.text, of: what, near: near(token.text, known.map((each) => each.name)) }, token);
    if (given.has(token.text)) this.wrong("twice", { name: token.text }, token);
    given.add(token.text);
    this.expect(":");
    this.value(told?.type ?? null);
  }

  lacking(known, given, owner, what) {
    const names = known.filter((each) => isRequired(each) && !given.has(each.name)).map((each) => each.name);
    if (names.length > 0) this.wrong("lacking", { of: what, names: names.join(", ") }, owner);
  }

  value(type) {
    const name = type ? named(type) : null;
    const told = name ? this.schema.types.get(name) : null;
    this.offer(() => this.valuesOf(told), { type: type ? written(type) : null });
    const token = this.next;
    if (this.is("$")) {
      this.take();
      this.offer(() => []);
      const variable = this.name("…");
      this.uses?.names.push(variable);
    } else if (this.is("[")) {
      this.take();
      const item = itemOf(type);
      if (type && !item && told?.name !== "JSON") this.wrong("wrongValue", { type: written(type) }, token);
      while (!this.is("]")) this.value(item);
      this.expect("]");
    } else if (this.is("{")) {
      this.take();
      const known = told?.inputFields ?? null;
      const given = new Set();
      if (type && told && !known && told.kind !== "SCALAR") this.wrong("wrongValue", { type: written(type) }, token);
      const offered = () => this.offer(() => this.valueItems(known, given), { type: name });
      offered();
      while (!this.is("}")) {
        offered();
        this.member(known, given, name ?? "");
        offered();
      }
      this.expect("}");
      if (known) this.lacking(known, given, token, name);
    } else if (["name", "string", "block", "number"].includes(token.type)) {
      this.take();
      this.literal(token, type, told);
    } else {
      this.stop("expected", { what: type ? written(type) : "…" });
    }
  }

  valuesOf(told) {
    if (told?.kind === "ENUM") return told.enumValues.map((each) => ({ name: each.name, type: told.name, description: each.description }));
    if (told?.name === "Boolean") return ["true", "false"].map((name) => ({ name, type: "Boolean", description: null }));
    return [];
  }

  literal(token, type, told) {
    if (!type || !told) return;
    if (token.text === "null" && token.type === "name") {
      if (type.kind === "NON_NULL") this.wrong("wrongValue", { type: written(type) }, token);
      return;
    }
    const fits = {
      Boolean: () => token.text === "true" || token.text === "false",
      Int: () => token.type === "number" && /^-?\d+$/.test(token.text),
      Float: () => token.type === "number",
      String: () => token.type === "string" || token.type === "block",
      ID: () => token.type !== "name" && token.type !== "end",
    }[told.name];
    if (told.kind === "ENUM") {
      if (token.type !== "name" || !told.enumValues.some((each) => each.name === token.text)) {
        this.wrong("unknownValue", { name: token.text, type: told.name, near: near(token.text, told.enumValues.map((each) => each.name)) }, token);
      }
    } else if (told.kind === "INPUT_OBJECT" || (fits && !fits())) {
      this.wrong("wrongValue", { type: written(type) }, token);
    }
  }

  // --- what only the whole document shows

  conclude() {
    for (const token of this.spreads) {
      if (!this.fragments.has(token.text)) this.wrong("unknownFragment", { name: token.text, near: near(token.text, this.fragments.keys()) }, token);
    }
    for (const operation of this.operations) {
      const used = new Set();
      const seen = new Set();
      const visit = (uses) => {
        for (const token of uses.names) {
          used.add(token.text);
          if (!operation.defined.has(token.text)) this.wrong("unknownVariable", { name: `$${token.text}` }, token);
        }
        for (const name of uses.spreads) {
          if (seen.has(name) || !this.fragments.has(name)) continue;
          seen.add(name);
          visit(this.fragments.get(name).uses);
        }
      };
      visit(operation.uses);
      for (const [name, variable] of operation.defined) {
        if (!used.has(name)) this.wrong("unusedVariable", { name: `$${name}` }, variable.token);
      }
    }
    this.problems.sort((a, b) => a.start - b.start);
  }
}

/** What is told about the name at a place: {parent, field} of a field, or null. */
export function about(text, schema, cursor) {
  const reading = new Reading(text, schema, null);
  try {
    reading.document();
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  return reading.tokens.find((token) => token.about && token.start <= cursor && cursor <= token.end)?.about ?? null;
}

/** The operation that the cursor stands in, or the first. */
export function operationAt(operations, cursor) {
  return operations.find((each) => each.start <= cursor && cursor <= (each.end ?? Infinity)) ?? operations[0] ?? null;
}

/** The text with its lines set out anew: two spaces a level, one member a line; comments and texts stay. */
export function laidOut(text) {
  let made = "";
  let depth = 0;
  let inside = 0;
  let last = null;
  const comments = [...text.matchAll(/#[^\n\r]*/g)].filter((match) => !tokens(text).some((token) => token.start < match.index && match.index < token.end));
  const parts = [...tokens(text).slice(0, -1), ...comments.map((match) => ({ type: "comment", text: match[0], start: match.index, end: match.index + match[0].length }))];
  const line = () => {
    made = `${made.trimEnd()}\n${"  ".repeat(depth)}`;
  };
  for (const token of parts.sort((a, b) => a.start - b.start)) {
    if (token.type === "comment") {
      line();
      made += token.text;
      line();
    } else if (token.text === "{" && inside === 0) {
      depth += 1;
      made += `${made && !/\s$/.test(made) ? " " : ""}{`;
      line();
    } else if (token.text === "}" && inside === 0) {
      depth = Math.max(0, depth - 1);
      line();
      made += "}";
      line();
      if (depth === 0) made += "\n";
    } else {
      if ("([{".includes(token.text)) inside += 1;
      const opens = last && "([{".includes(last.text) && inside > 0;
      const unspread = last?.text === "..." && token.text !== "on";
      const tight = opens || unspread || ")]}:!(".includes(token.text) || (last && "$@".includes(last.text));
      const member = inside === 0 && depth > 0 && last && ((token.type === "name" && ![":", "...", "@", "$", "on", "="].includes(last.text)) || token.type === "spread");
      const begins = ["name", "string", "block", "number"].includes(token.type) || "${[".includes(token.text);
      const ended = last && (["name", "string", "block", "number"].includes(last.type) || "!)]}".includes(last.text));
      const comma = inside > 0 && begins && ended;
      if (member && !made.endsWith("\n") && !/\n\s*$/.test(made)) line();
      else if (comma) made += ", ";
      else if (!tight && made && !/\s$/.test(made)) made += " ";
      if (token.text === "@" && !/\s$/.test(made)) made += " ";
      made += token.text;
      if (")]}".includes(token.text)) inside = Math.max(0, inside - 1);
    }
    last = token;
  }
  return `${made.replace(/[ \t]+\n/g, "\n").replace(/\n{3,}/g, "\n\n").trim()}\n`;
}
