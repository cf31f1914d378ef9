// PostGraphile 5, as its documentation sets it up for production: node postgraphile5.mjs ADDRESS PORT WORKERS
import cluster from 'node:cluster'
import { createServer } from 'node:http'
import process from 'node:process'
import { PgSimplifyInflectionPreset } from '@graphile/simplify-inflection'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { PostGraphileConnectionFilterPreset } from 'postgraphile-plugin-connection-filter'

const [address, port, workers] = process.argv.slice(2)
if (cluster.isPrimary) {
  for (let number = 0; number < Number(workers); number += 1) cluster.fork()
  process.on('SIGTERM', () => process.exit(0))
} else {
  const service = postgraphile({
    extends: [PostGraphileAmberPreset, PgSimplifyInflectionPreset, PostGraphileConnectionFilterPreset],
    pgServices: [makePgService({ connectionString: address, schemas: ['public'], poolConfig: { max: 10 } })],
    schema: { connectionFilterRelations: true },
    grafserv: { graphiql: false, watch: false },
    grafast: { explain: false },
  })
  const server = createServer()
  server.on('error', (error) => {
    console.error(error)
    process.exit(1)
  })
  await service.createServ(grafserv).addTo(server)
  server.listen(Number(port), '127.0.0.1')
}
