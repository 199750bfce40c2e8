declare const KRUN_COMMIT: string | undefined;

/** The same as in package.json, which is not read: it is not there in a release. */
export const version = '0.1.0';

/** Put in by the bundler; the sources themselves do not know it. */
export const commit = typeof KRUN_COMMIT === 'undefined' ? 'unknown' : KRUN_COMMIT;

/** The runtime-spec that is carried out, and the oldest whose configs are taken. */
export const specVersion = '1.3.0';
export const oldestSpecVersion = '1.0.0';
