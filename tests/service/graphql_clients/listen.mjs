// What graphql-sse's client is told by an operation: one JSON line for each answer, and how it ended.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, url, query, most] = process.argv.slice(2);
const found = createRequire(pathToFileURL(`${folder}/`)).resolve("graphql-sse");
const { createClient } = (await import(pathToFileURL(found))).default;
const client = createClient({ url, singleConnection: false, retryAttempts: 0 });
const answers = client.iterate({ query });
let count = 0;
try {
  for await (const answer of answers) {
    console.log(JSON.stringify(answer));
    count += 1;
    if (count >= Number(most)) break;
  }
  console.log(JSON.stringify({ ended: count }));
} catch (error) {
  console.log(JSON.stringify({ failed: String(error?.message ?? JSON.stringify(error)) }));
}
