// Writes dist/start.cache: has a supervisor answer a few requests, so that V8 has compiled what a start runs through, and keeps
// that code. It is of use only to the same Node under the same options, hence the process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const headerLength = 16;

const configs = {
  plain: (config) => config,
  filtered: (config) => {
    config.linux.seccomp = JSON.parse(readFileSync('spec/fixtures/seccomp-docker.json', 'utf8'));
    config.process.user = { uid: 1000, gid: 1000 };
    config.mounts.push({ destination: '/data', type: 'bind', source: '.', options: ['rbind', 'ro'] });
    return config;
  },
};

const [task, ...files] = process.argv.slice(2);
if (task === 'answer') await answerAll(files);
else await main();

async function main() {
  const { nodeOptions } = await import('../runtime/supervisor/node-options.ts');
  const directory = mkdtempSync(join(tmpdir(), 'krun-code-cache-'));
  try {
    const requests = [];
    for (const [name, change] of Object.entries(configs)) requests.push(await captureRequest(makeBundle(directory, name, change)));
    const [first, ...others] = requests;
    const words = [
      ...nodeOptions,
      fileURLToPath(import.meta.url),
      'answer',
      ...others.map((request, index) => save(directory, index, request)),
    ];
    // No environment, as the helper has it: NODE_COMPILE_CACHE alone makes V8 refuse the result elsewhere.
    const child = spawn('dist/node', words, { stdio: ['ignore', 'inherit', 'inherit', 'pipe'], env: {} });
    child.stdio[3].on('error', () => {}).resume();
    child.stdio[3].end(first); // it waits for our end once it has answered
    const [status] = await once(child, 'close');
    process.exitCode = status ?? 1;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function makeBundle(directory, name, change) {
  const bundle = join(directory, name);
  mkdirSync(join(bundle, 'rootfs'), { recursive: true });
  const config = JSON.parse(readFileSync('spec/fixtures/configs/default.json', 'utf8'));
  config.process.terminal = false;
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(change(config)));
  return bundle;
}

// What the helper would ask of its supervisor: it asks us.
async function captureRequest(bundle) {
  const child = spawn('bin/krun', ['--root', `${bundle}/state`, 'run', bundle], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { KRUN_CHANNEL: '3' },
  });
  const channel = child.stdio[3];
  channel.on('error', () => {});
  const chunks = [];
  for await (const chunk of channel) {
    chunks.push(chunk);
    const request = Buffer.concat(chunks);
    if (request.length >= headerLength && request.length === headerLength + request.readUInt32LE(8)) break;
  }
  child.kill('SIGKILL');
  const request = Buffer.concat(chunks);
  request.writeUInt32LE(process.pid, headerLength + 8); // the caller's pid: it is looked up in /proc, where the helper is no more
  return request;
}

function save(directory, index, request) {
  const file = join(directory, `request-${index}`);
  writeFileSync(file, request.subarray(headerLength));
  return file;
}

// In the process of its own: start.cjs answers the request on descriptor 3 by itself, then the others.
async function answerAll(files) {
  const start = createRequire(import.meta.url)('../dist/start.cjs');
  for (const file of files) requirePlan(await start.answer(readFileSync(file)));
  writeFileSync('dist/start.cache', start.createCache());
}

// The code for errors alone would be a poor cache.
function requirePlan(frame) {
  const ops = Buffer.from(frame).readUInt32LE(headerLength + 4);
  if (ops < 30) throw new Error(`the supervisor answered with ${ops} ops: ${Buffer.from(frame).toString('latin1')}`);
}
