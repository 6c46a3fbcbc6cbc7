// A real authorization server on loopback for the tests: oidc-provider with its own pages to log in and to agree.
//
// Clients, scopes and lifetimes are set here; what a test wants to see or to change goes through /control, which is
// no part of any standard: lifetimes, answers in place of the right ones, the end of a login, and counts.
// Usage: node server.mjs ADDRESS_OF_THE_PACKAGE. It is installed elsewhere than this file lies. Prints one line of JSON
// with its port when it listens, and ends when its standard input does.
import * as http from 'node:http';

const { Provider } = await import(process.argv[2]);

const state = {
  life: 3600, // seconds of an access token
  said: undefined, // seconds that a client is told instead
  endAt: 0, // the number of the request for tokens before which every login ends
  faults: [], // {path, status, body, headers, delay (ms), drip (ms)}, each for one request
  asked: [], // {path, status}
  inFlight: 0,
  mostInFlight: 0,
};

const server = http.createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;

const MAIL = 'https://mail.google.com/';
const SHEETS = 'https://www.googleapis.com/auth/spreadsheets.readonly';
const SEND = 'https://outlook.office.com/SMTP.Send';
const native = {
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/mailtui'],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: ['code'],
};
const provider = new Provider(issuer, {
  clients: [
    { ...native, client_id: 'mailtui', token_endpoint_auth_method: 'none' },
    { ...native, client_id: 'mailtui-secret', client_secret: 'known-only-to-google', token_endpoint_auth_method: 'client_secret_post' },
    { client_id: 'dovecot', client_secret: 'dovecot', redirect_uris: [], response_types: [], grant_types: [] },
  ],
  scopes: ['openid', 'offline_access', MAIL, SHEETS, SEND],
  claims: { openid: ['sub'] },
  pkce: { required: () => true },
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
  },
  ttl: {
    AccessToken: () => state.life,
    AuthorizationCode: 60,
    DeviceCode: 600,
    Grant: 86400,
    Interaction: 600,
    RefreshToken: 86400,
    Session: 86400,
  },
  cookies: { keys: ['tests'] },
});
provider.use(async (ctx, next) => {
  await next();
  if (state.said !== undefined && ctx.body?.expires_in) ctx.body.expires_in = state.said;
});
const logins = new Set();
provider.on('grant.success', (ctx) => {
  if (ctx.oidc.entities.Grant) logins.add(ctx.oidc.entities.Grant.jti);
});

const read = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What a person does on the provider's page "apps with access": every login of every account ends.
async function revokeAll() {
  for (const id of logins) {
    for (const kind of [provider.AccessToken, provider.RefreshToken, provider.AuthorizationCode, provider.DeviceCode]) {
      await kind.revokeByGrantId(id);
    }
    await (await provider.Grant.find(id))?.destroy();
  }
  logins.clear();
}

async function control(request, response) {
  const body = await read(request);
  const wanted = body ? JSON.parse(body) : {};
  if (wanted.life !== undefined) state.life = wanted.life;
  if (wanted.said !== undefined) state.said = wanted.said ?? undefined;
  if (wanted.endAt !== undefined) state.endAt = wanted.endAt;
  if (wanted.faults) state.faults.push(...wanted.faults);
  if (wanted.forget) {
    state.asked.length = 0;
    state.faults.length = 0;
    state.mostInFlight = 0;
    state.said = undefined;
    state.endAt = 0;
  }
  if (wanted.revoke) await revokeAll();
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ asked: state.asked, mostInFlight: state.mostInFlight }));
}

async function misbehave(fault, response) {
  await pause(fault.delay ?? 0);
  response.writeHead(fault.status ?? 200, fault.headers ?? { 'Content-Type': 'application/json' });
  const body = Buffer.from(fault.fill ? 'x'.repeat(fault.fill) : (fault.body ?? ''));
  if (!fault.drip) return response.end(body);
  for (const byte of body) {
    if (response.destroyed) return undefined;
    response.write(Buffer.of(byte));
    await pause(fault.drip);
  }
  return response.end();
}

const callback = provider.callback();
server.on('request', async (request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/control') return control(request, response);
  // Counted where a client has to ask with care: what gives out tokens, and codes.
  const counted = path === '/token' || path === '/device/auth' || path === '/token/revocation';
  if (!counted) {
    if (path === '/introspect') {
      // Dovecot says nothing of who asks; the standard (RFC 7662 section 2.1) wants to know.
      request.url = '/token/introspection';
      request.headers.authorization = `Basic ${Buffer.from('dovecot:dovecot').toString('base64')}`;
    }
    return callback(request, response);
  }
  const entry = { path, status: 0 };
  state.asked.push(entry);
  state.inFlight += 1;
  state.mostInFlight = Math.max(state.mostInFlight, state.inFlight);
  response.on('close', () => {
    state.inFlight -= 1;
    entry.status = response.statusCode;
  });
  if (path === '/token' && state.asked.filter((one) => one.path === path).length === state.endAt) await revokeAll();
  const at = state.faults.findIndex((fault) => fault.path === path);
  if (at < 0) return callback(request, response);
  const [fault] = state.faults.splice(at, 1);
  if (fault.late) {
    await pause(fault.late); // the right answer, later
    return callback(request, response);
  }
  return misbehave(fault, response);
});

process.stdin.on('end', () => process.exit(0)).resume();
console.log(JSON.stringify({ port }));
