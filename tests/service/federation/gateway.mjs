// A gateway over subgraphs, for tests: node gateway.mjs FOLDER-WITH-NODE_MODULES name=address …
// Prints a line of JSON when it answers: its own address. Each request to a subgraph is told in `extensions.asked`.
import { createRequire } from "node:module";
import { createServer } from "node:http";

const [folder, ...named] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { ApolloGateway, IntrospectAndCompose, RemoteGraphQLDataSource } = require("@apollo/gateway");
const { parse } = require("graphql");

const subgraphs = named.map((each) => ({ name: each.slice(0, each.indexOf("=")), url: each.slice(each.indexOf("=") + 1) }));

class Told extends RemoteGraphQLDataSource {
  constructor(settings, name) {
    super(settings);
    this.name = name;
  }

  willSendRequest({ request, context }) {
    context.asked?.push({ subgraph: this.name, query: request.query, representations: request.variables?.representations?.length ?? 0 });
    // Who asks the gateway is who asks the subgraphs.
    if (context.authorization) request.http.headers.set("authorization", context.authorization);
  }
}

const gateway = new ApolloGateway({
  supergraphSdl: new IntrospectAndCompose({ subgraphs }),
  buildService: ({ name, url }) => new Told({ url }, name),
});
const { executor } = await gateway.load();

async function answer(request) {
  let body = "";
  for await (const piece of request) body += piece;
  const { query, variables = {} } = JSON.parse(body);
  const asked = [];
  const told = await executor({
    document: parse(query),
    request: { query, variables, http: { headers: new Map() } },
    queryHash: query,
    context: { asked, authorization: request.headers.authorization },
    cache: new Map(),
    schema: gateway.schema,
    metrics: {},
    logger: console,
    operationName: null,
    operation: parse(query).definitions.find((each) => each.kind === "OperationDefinition"),
  });
  return { ...told, extensions: { asked } };
}

const server = createServer((request, response) => {
  answer(request).then(
    (told) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(told)),
    (error) => response.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify({ error: String(error?.stack ?? error) })),
  );
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ address: `http://127.0.0.1:${server.address().port}/` })));
