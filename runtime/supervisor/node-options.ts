// How Node is started as a supervisor of one call: it lives for milliseconds, so nothing that pays off later. The code that V8 has
// compiled beforehand (dist/start.cache) is of use only under the same options.
export const nodeOptions = ['--max-lazy', '--no-opt', '--no-addons', '--no-global-search-paths'] as const;
