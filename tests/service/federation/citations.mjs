// Somebody else's subgraph, for tests: it knows how often datasets are cited, and which are cited most.
// node citations.mjs FOLDER-WITH-NODE_MODULES id=count …
import { createRequire } from "node:module";
import { createServer } from "node:http";

const [folder, ...told] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { buildSubgraphSchema } = require("@apollo/subgraph");
const { graphql, parse } = require("graphql");

const counts = new Map(told.map((each) => [each.slice(0, each.lastIndexOf("=")), Number(each.slice(each.lastIndexOf("=") + 1))]));
const schema = buildSubgraphSchema({
  typeDefs: parse(`
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
    type Dataset @key(fields: "id") { id: ID! citations: Int! }
    type Query { mostCited(first: Int = 10): [Dataset!]! }
  `),
  resolvers: {
    Query: {
      mostCited: (_, { first }) => [...counts].sort((a, b) => b[1] - a[1]).slice(0, first).map(([id]) => ({ id })),
    },
    Dataset: {
      __resolveReference: ({ id }) => ({ id }),
      citations: ({ id }) => counts.get(id) ?? 0,
    },
  },
});

const server = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  const { query, variables, operationName } = JSON.parse(body);
  const answered = await graphql({ schema, source: query, variableValues: variables, operationName });
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answered));
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ address: `http://127.0.0.1:${server.address().port}/` })));
