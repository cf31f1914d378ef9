// A program in TypeScript whose types were made from the schema: it enters a sample, and reads it again.
import type { EnterMutation, EnterMutationVariables, ToldQuery, ToldQueryVariables } from "./types";

declare const process: { argv: string[]; exitCode?: number };

const [, , endpoint, token, enter, told] = process.argv as [string, string, string, string, string, string];

async function ask<Data, Variables>(query: string, variables: Variables): Promise<Data> {
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const document = (await answer.json()) as { data?: Data; errors?: { message: string }[] };
  if (!document.data || document.errors) throw new Error(JSON.stringify(document.errors));
  return document.data;
}

const wanted: EnterMutationVariables = {
  submission: {
    source: "lab",
    localId: "typescript/s-1",
    body: {
      sample: {
        title: { en: "Cathode sheet", ja: "正極シート" },
        sampleType: "solid",
        amount: { value: 0.5, unit: "g" },
      },
    },
  },
};

async function main(): Promise<void> {
  const { submit } = await ask<EnterMutation, EnterMutationVariables>(enter, wanted);
  switch (submit.__typename) {
    case "Submitted": {
      const { sample } = await ask<ToldQuery, ToldQueryVariables>(told, { id: submit.id });
      console.log(JSON.stringify({ outcome: submit.outcome, sample }));
      break;
    }
    default:
      console.log(JSON.stringify(submit));
      process.exitCode = 1;
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
