import { fileURLToPath } from 'node:url';

/** bin/krun of this installation: one directory up, seen from here as from dist/index.js. */
export const helperPath = fileURLToPath(new URL('../bin/krun', import.meta.url));
