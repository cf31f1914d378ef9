// Results as they are shown: cells, their order, what they link to. No DOM here.

const XSD = "http://www.w3.org/2001/XMLSchema#";
const NUMBERS = new Set(
  ["integer", "decimal", "double", "float", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "unsignedInt", "unsignedLong"].map(
    (name) => XSD + name,
  ),
);

/** What an answer is, by its media type: rows, a graph, a problem, or something that nobody asked for. */
export function kindOf(contentType) {
  const type = contentType.split(";")[0].trim().toLowerCase();
  if (type === "application/sparql-results+json") return "rows";
  if (["text/turtle", "application/n-triples", "application/ld+json", "application/rdf+xml"].includes(type)) return "graph";
  if (type === "application/problem+json") return "problem";
  return "other";
}

/** A result document (SPARQL 1.1 Query Results JSON) as columns and rows of terms; `truth` for ASK. */
export function tableOf(document) {
  if (typeof document.boolean === "boolean") return { truth: document.boolean, columns: [], rows: [] };
  const columns = document.head.vars;
  const rows = document.results.bindings.map((binding) => columns.map((column) => binding[column] ?? null));
  return { truth: null, columns, rows };
}

/** An IRI under the longest of the known prefixes, or itself. */
export function shortened(iri, prefixes) {
  let best = null;
  for (const [name, start] of Object.entries(prefixes)) {
    if (iri.startsWith(start) && (best === null || start.length > best[1].length)) best = [name, start];
  }
  if (best === null) return iri;
  const rest = iri.slice(best[1].length);
  return /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u.test(rest) ? `${best[0]}:${rest}` : iri;
}

/** How a term is shown: its text, where it leads, and what stands beside it. `base` is where our IRIs begin, `root` where they are served. */
export function cellOf(term, { base, root, prefixes }) {
  if (term === null) return { text: "", href: null, aside: "", lang: null, number: false };
  if (term.type === "uri") {
    const ours = term.value.startsWith(base);
    const web = /^https?:\/\//i.test(term.value);
    return {
      text: ours ? term.value.slice(base.length) || term.value : shortened(term.value, prefixes),
      // A record of ours is opened where this page is served, whatever its IRI begins with.
      href: ours ? root + term.value.slice(base.length) : web ? term.value : null,
      aside: "",
      lang: null,
      number: false,
    };
  }
  if (term.type === "bnode") return { text: `_:${term.value}`, href: null, aside: "", lang: null, number: false };
  const number = NUMBERS.has(term.datatype);
  const plain = !term.datatype || term.datatype === `${XSD}string` || number;
  return { text: term.value, href: null, aside: plain ? "" : shortened(term.datatype, prefixes), lang: term["xml:lang"] ?? null, number };
}

/** The rows in the order of a column; what is not bound comes last in both directions, and equals stay as they came. */
export function sorted(rows, column, descending, language) {
  const collator = new Intl.Collator(language, { numeric: true });
  const sign = descending ? -1 : 1;
  const keyed = rows.map((row, place) => ({ row, place, key: keyOf(row[column]) }));
  keyed.sort((one, other) => {
    if (one.key === null || other.key === null) return one.key === other.key ? one.place - other.place : one.key === null ? 1 : -1;
    const order =
      typeof one.key === "number" && typeof other.key === "number"
        ? one.key - other.key
        : typeof one.key === typeof other.key
          ? collator.compare(one.key, other.key)
          : typeof one.key === "number"
            ? -1
            : 1;
    return order === 0 ? one.place - other.place : sign * order;
  });
  return keyed.map((each) => each.row);
}

function keyOf(term) {
  if (term === null) return null;
  if (term.type === "literal" && NUMBERS.has(term.datatype)) {
    const value = Number(term.value.replace(/^([+-]?)INF$/, "$1Infinity"));
    if (!Number.isNaN(value)) return value;
  }
  return term.value;
}
