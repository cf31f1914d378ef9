// A query as text: the prefixes that it lacks, and where in it an error lies. No DOM here.

const DECLARED = /^\s*PREFIX\s+([\p{L}\p{N}_.-]*):\s*</gimu;
// What may hold a colon without being a prefixed name: comments, texts, IRIs.
const NOT_NAMES = /"""[^]*?"""|'''[^]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|<[^<>"{}|^`\\\s]*>|#[^\n]*/g;
const NAME = /(?<![\p{L}\p{N}_.:?$@-])([\p{L}][\p{L}\p{N}_-]*):/gu;

/** The prefixes that a query declares. */
export function declared(query) {
  return new Set([...query.matchAll(DECLARED)].map((match) => match[1]));
}

/** The prefixes that a query uses without declaring them, of those that are known, in their order. */
export function missing(query, known) {
  const has = declared(query);
  const bare = query.replace(DECLARED, "").replace(NOT_NAMES, " ");
  const used = new Set([...bare.matchAll(NAME)].map((match) => match[1]));
  return Object.keys(known).filter((name) => used.has(name) && !has.has(name));
}

/** The query with declarations of these prefixes before it. */
export function withPrefixes(query, names, known) {
  const has = declared(query);
  const lines = names.filter((name) => name in known && !has.has(name)).map((name) => `PREFIX ${name}: <${known[name]}>\n`);
  return lines.join("") + query;
}

/** The line and column of an error, from a problem document or from its words; null if it tells none. */
export function placeOf(problem) {
  if (Number.isInteger(problem.line)) return { line: problem.line, column: Number.isInteger(problem.column) ? problem.column : 1 };
  const found = /(?:line |at )(\d+)(?:,? ?(?:column |col |:)\s*(\d+))/i.exec(String(problem.detail ?? ""));
  return found ? { line: Number(found[1]), column: Number(found[2]) } : null;
}

/** The offset in the query of a line and column, both counted from 1, kept within it. */
export function offsetOf(query, place) {
  const lines = query.split("\n");
  const line = Math.min(Math.max(place.line, 1), lines.length);
  const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  return before + Math.min(Math.max(place.column - 1, 0), lines[line - 1].length);
}

/** The query in a fragment of the page's address, or null if it holds none. */
export function fromFragment(fragment) {
  const found = /^#query=(.*)$/s.exec(fragment);
  if (!found) return null;
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return null;
  }
}

/** The fragment that holds a query. */
export function toFragment(query) {
  return `#query=${encodeURIComponent(query)}`;
}
