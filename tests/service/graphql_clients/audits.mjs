// Every audit of graphql-http on the server at an address, as one JSON document.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, url] = process.argv.slice(2);
const found = createRequire(pathToFileURL(`${folder}/`)).resolve("graphql-http");
const { serverAudits } = (await import(pathToFileURL(found))).default;
const told = [];
for (const audit of serverAudits({ url })) {
  const { id, name, status, reason } = await audit.fn();
  told.push({ id, name, status, reason: reason ?? null });
}
console.log(JSON.stringify(told));
