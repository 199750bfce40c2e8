// How Node is started as a supervisor of one call: it lives for milliseconds, so nothing that pays off later. The code that V8 has
// compiled beforehand (dist/start.cache) is of use only under the same options. --no-rehash-snapshot spares 2 to 3 ms: V8 would look
// for primes for a random hash seed and hash its snapshot anew, against attackers who choose keys; config.json's author is trusted.
export const nodeOptions = ['--max-lazy', '--no-opt', '--no-rehash-snapshot', '--no-addons', '--no-global-search-paths'] as const;

// How it is started as a resident one. The heap is bounded, and what is young is collected early: a call leaves nothing behind.
export const residentNodeOptions = ['--max-old-space-size=96', '--max-semi-space-size=2', '--no-global-search-paths'] as const;
