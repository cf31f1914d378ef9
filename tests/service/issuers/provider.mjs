// One OpenID provider for tests, on 127.0.0.1 only, from the certified library `oidc-provider`.
//
//   node provider.mjs SETTINGS.json [PORT]   runs until it is ended
//   node provider.mjs < settings             reads one line of settings, and ends when its standard input does
//
// The first line that it prints is {"issuer": "http://127.0.0.1:PORT"}. It is run in the folder whose node_modules it uses.
// What settings there are is shown by settings.json. Who signs in is whoever the login page is told, without a password.
//
// For tests alone, at the same address, with bodies in JSON:
//   POST /test/settings  settings that differ from now on: users, clients, clock_offset_seconds ...
//   POST /test/rotate    {"keep": true} lets the former keys stand in the JWKS beside the new ones
//   POST /test/sign      {"claims": {}, "algorithm": "ES256", "header": {}} -> {"token"}: exactly that, signed with the key in use
//   GET  /test/asked     how often each path was asked for
import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const library = join(process.cwd(), 'node_modules', 'oidc-provider', 'lib', 'index.js')
const { Provider } = await import(pathToFileURL(library).href)

const settings = await readSettings()
const asked = {}
let keys = newKeys()
let issuer
let answer

const realNow = Date.now
Date.now = () => realNow() + 1000 * (settings.clock_offset_seconds ?? 0)

async function readSettings() {
  const [file, port] = process.argv.slice(2)
  if (file) return { ...JSON.parse(readFileSync(file, 'utf8')), ...(port && { port: Number(port) }) }
  const lines = createInterface({ input: process.stdin })
  // Whoever started it may be killed: an issuer that outlives its test would hold its port.
  lines.on('close', () => process.exit(0))
  return new Promise((resolve) => lines.once('line', (line) => resolve(JSON.parse(line))))
}

function newKeys() {
  const made = [
    { alg: 'RS256', pair: generateKeyPairSync('rsa', { modulusLength: 2048 }) },
    { alg: 'ES256', pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  ]
  return made.map(({ alg, pair }) => ({ ...pair.privateKey.export({ format: 'jwk' }), alg, kid: randomUUID(), use: 'sig' }))
}

// Library and keys are bound together when a provider is made, so each change makes another; what was issued is kept
// in a store of the library's own, which all of them share.
function remake() {
  const provider = new Provider(issuer, configuration())
  provider.use(pages(provider))
  answer = provider.callback()
}

function configuration() {
  const known = ['sub', 'email', 'email_verified', 'ga4gh_passport_v1']
  const others = Object.values(settings.users).flatMap((claims) => Object.keys(claims))
  const resources = {
    enabled: true,
    // Only a workload gets a token for the catalogue unasked: a person's token with an audience opens no userinfo.
    defaultResource: (ctx) => (ctx.oidc.params.grant_type === 'client_credentials' ? settings.audiences[0] : undefined),
    useGrantedResource: () => false,
    getResourceServerInfo: (ctx, audience) => {
      if (!settings.audiences.includes(audience)) throw Object.assign(new Error('invalid_target'), { statusCode: 400, expose: true })
      return {
        audience,
        scope: settings.resource_scopes.join(' '),
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: settings.access_token_algorithm } },
      }
    },
  }
  return {
    jwks: { keys },
    clients: settings.clients,
    findAccount: (ctx, id) => {
      const claims = Object.values(settings.users).find((each) => each.sub === id)
      return claims && { accountId: id, claims: () => claims }
    },
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: [...new Set(['name', ...others])].filter((name) => !known.includes(name)),
      ga4gh_passport_v1: ['ga4gh_passport_v1'],
    },
    pkce: { required: () => true },
    conformIdTokenClaims: settings.userinfo_only,
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true, userCodeInputSource, userCodeConfirmSource, successSource },
      introspection: { enabled: true },
      resourceIndicators: resources,
      revocation: { enabled: true },
    },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    // Where the clock was set back, a browser drops a cookie that has already expired by its own: those live for a day.
    ttl: { AccessToken: 300, DeviceCode: 600, Grant: 86400, IdToken: 300, Interaction: 86400, RefreshToken: 3600, Session: 86400 },
    cookies: {
      keys: ['only-for-tests'],
      // A browser keeps cookies by host, not by port: two issuers on 127.0.0.1 would sign each other's people out.
      names: Object.fromEntries(['session', 'interaction', 'resume'].map((name) => [name, `_${name}_${settings.port}`])),
    },
  }
}

function pages(provider) {
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next()
    const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res)
    const finish = (result, more) => provider.interactionFinished(ctx.req, ctx.res, result, more)
    if (prompt.name === 'consent') {
      const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
      const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details
      if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '))
      if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims)
      for (const [audience, scopes] of Object.entries(missingResourceScopes ?? {})) grant.addResourceScope(audience, scopes.join(' '))
      return finish({ consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true })
    }
    if (ctx.method === 'GET') {
      ctx.body = loginPage(ctx.path, params.client_id, params.login_hint ?? '')
      return
    }
    const told = new URLSearchParams(await body(ctx.req))
    if (told.has('refuse')) {
      return finish({ error: 'access_denied', error_description: 'the person refused' }, { mergeWithLastSubmission: false })
    }
    const user = settings.users[told.get('username')]
    if (!user) {
      ctx.status = 422
      ctx.body = loginPage(ctx.path, params.client_id, told.get('username') ?? '', 'Nobody here is called that.')
      return
    }
    return finish({ login: { accountId: user.sub } }, { mergeWithLastSubmission: false })
  }
}

async function body(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.codePointAt(0)};`)
}

function page(title, inner) {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1>${inner}</body></html>`
}

function loginPage(action, client, name, wrong = '') {
  return page(
    'Sign in for tests',
    `<p>${escaped(issuer)} for ${escaped(client)}</p><p role="alert">${wrong}</p>
     <form method="post" action="${escaped(action)}">
     <label>User name <input name="username" value="${escaped(name)}" autofocus></label>
     <button type="submit">Sign in</button> <button type="submit" name="refuse" value="1">Refuse</button></form>`,
  )
}

function userCodeInputSource(ctx, form, out, error) {
  ctx.body = page('Enter the code', `<p role="alert">${error ? 'That code is not known.' : ''}</p>${form}<button type="submit" form="op.deviceInputForm">Continue</button>`)
}

function userCodeConfirmSource(ctx, form, client, device, code) {
  ctx.body = page('Is this your device?', `<p>${escaped(client.clientId)}: <code>${escaped(code)}</code></p>${form}
    <button type="submit" form="op.deviceConfirmForm">Yes</button>
    <button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">No</button>`)
}

function successSource(ctx) {
  ctx.body = page('The device is signed in', '')
}

function signed({ claims, algorithm = 'RS256', header = {} }) {
  const jwk = keys.find((key) => key.alg === algorithm)
  const parts = [{ alg: algorithm, kid: jwk.kid, typ: 'JWT', ...header }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const key = { key: createPrivateKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }
  return [...parts, sign('sha256', Buffer.from(parts.join('.')), key).toString('base64url')].join('.')
}

const controls = {
  'POST /test/settings': (told) => {
    Object.assign(settings, told)
    remake()
    return {}
  },
  'POST /test/rotate': ({ keep = false }) => {
    keys = [...newKeys(), ...(keep ? keys : [])]
    remake()
    return {}
  },
  'POST /test/sign': (told) => ({ token: signed(told) }),
  'GET /test/asked': () => asked,
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, issuer)
  const control = controls[`${request.method} ${pathname}`]
  if (!control) {
    asked[pathname] = (asked[pathname] ?? 0) + 1
    return answer(request, response)
  }
  let status = 200
  let told
  try {
    told = control(JSON.parse((await body(request)) || '{}'))
  } catch (error) {
    status = 400
    told = { error: String(error) }
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(told))
})
server.listen(settings.port, '127.0.0.1', () => {
  settings.port = server.address().port
  issuer = `http://127.0.0.1:${settings.port}`
  remake()
  console.log(JSON.stringify({ issuer }))
})
