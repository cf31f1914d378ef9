// What may be asked, from introspection: types by their names, with what the editor asks of them. No DOM here.

const TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
const VALUE = `name description type { ${TYPE} } defaultValue`;

export const INTROSPECTION = `query Introspection {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    directives { name description locations args { ${VALUE} } }
    types {
      kind name description
      fields(includeDeprecated: true) { name description args { ${VALUE} } type { ${TYPE} } isDeprecated deprecationReason }
      inputFields { ${VALUE} }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { name }
      interfaces { name }
    }
  }
}`;

const META = [
  { name: "__typename", description: null, args: [], type: { kind: "NON_NULL", name: null, ofType: { kind: "SCALAR", name: "String" } } },
];

/** The schema as the editor uses it, from the answer to INTROSPECTION. */
export function schemaOf(introspected) {
  const told = introspected.__schema;
  const types = new Map(told.types.map((type) => [type.name, type]));
  const roots = {
    query: told.queryType?.name,
    mutation: told.mutationType?.name,
    subscription: told.subscriptionType?.name,
  };
  const fields = new Map();
  for (const type of told.types) {
    if (type.kind === "UNION") fields.set(type.name, byName(META));
    if (type.fields) fields.set(type.name, byName([...type.fields, ...META]));
  }
  const queries = fields.get(roots.query);
  if (queries) {
    queries.set("__schema", { name: "__schema", description: null, args: [], type: { kind: "OBJECT", name: "__Schema" } });
    queries.set("__type", {
      name: "__type",
      description: null,
      args: [{ name: "name", description: null, defaultValue: null, type: { kind: "NON_NULL", name: null, ofType: { kind: "SCALAR", name: "String" } } }],
      type: { kind: "OBJECT", name: "__Type" },
    });
  }
  return { types, roots, fields, directives: byName(told.directives) };
}

function byName(list) {
  return new Map(list.map((each) => [each.name, each]));
}

/** The name of a type without its lists and marks. */
export function named(type) {
  let inner = type;
  while (inner?.ofType) inner = inner.ofType;
  return inner?.name ?? null;
}

/** A type as it is written: [Dataset!]! */
export function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  if (type.kind === "LIST") return `[${written(type.ofType)}]`;
  return type.name;
}

/** What stands in the list, if the type is one (a mark of being required aside); else null. */
export function itemOf(type) {
  const inner = type?.kind === "NON_NULL" ? type.ofType : type;
  return inner?.kind === "LIST" ? inner.ofType : null;
}

/** Whether an argument or input field must be given. */
export function isRequired(value) {
  return value.type.kind === "NON_NULL" && value.defaultValue === null;
}

/** Whether a type has fields, so that some of them must be chosen. */
export function isComposite(schema, name) {
  return ["OBJECT", "INTERFACE", "UNION"].includes(schema.types.get(name)?.kind);
}

/** The names that may stand for `on …` inside a type: those that a value of it can be of. */
export function conditions(schema, name) {
  const type = schema.types.get(name);
  if (!type) return [];
  const possible = new Set((type.possibleTypes ?? [type]).map((each) => each.name));
  const others = [...schema.types.values()].filter(
    (each) => each.kind !== "OBJECT" && each.possibleTypes?.some((one) => possible.has(one.name)),
  );
  return [...new Set([...possible, ...others.map((each) => each.name), ...(type.interfaces ?? []).map((each) => each.name)])];
}

/** The names nearest to one that is not known, at most three. */
export function near(name, known) {
  const wanted = name.toLowerCase();
  return [...known]
    .map((each) => [distance(wanted, each.toLowerCase()), each])
    .filter(([far, each]) => far <= 1 + Math.floor(Math.min(wanted.length, each.length) / 4) || each.toLowerCase().startsWith(wanted))
    .sort(([a, first], [b, second]) => a - b || first.localeCompare(second))
    .slice(0, 3)
    .map(([, each]) => each);
}

function distance(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, place) => place);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[other.length];
}
