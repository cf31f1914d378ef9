// PostGraphile 4, as its documentation sets it up for production: node postgraphile4.cjs ADDRESS PORT WORKERS
const cluster = require('node:cluster')
const http = require('node:http')
const { postgraphile } = require('postgraphile')
const simplify = require('@graphile-contrib/pg-simplify-inflector')
const filters = require('postgraphile-plugin-connection-filter')

const [address, port, workers] = process.argv.slice(2)
if (cluster.isPrimary) {
  for (let number = 0; number < Number(workers); number += 1) cluster.fork()
  process.on('SIGTERM', () => process.exit(0))
} else {
  const answer = postgraphile({ connectionString: address, max: 10 }, 'public', {
    appendPlugins: [simplify, filters],
    graphileBuildOptions: { connectionFilterRelations: true },
    simpleCollections: 'both',
    dynamicJson: true,
    ignoreRBAC: false,
    setofFunctionsContainNulls: false,
    disableQueryLog: true,
    disableDefaultMutations: true,
    graphiql: false,
    enableQueryBatching: false,
    legacyRelations: 'omit',
  })
  http.createServer(answer).listen(Number(port), '127.0.0.1')
}
