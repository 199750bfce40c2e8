import { absentIfEmpty, array, boolean, type Infer, matching, object, refine, string } from './schema.ts';

// "SHOULD NOT contain newlines": what follows one is written all the same.
const line = refine(string, (text, report) => {
  if (text.includes('\n')) report.warning([], 'must be one line');
});

/** A directory right below the resctrl mount; / is the mount itself. */
const closId = refine(string, (name, report) => {
  if (name === '/') return;
  if (name === '.' || name === '..' || /[/\n]/.test(name)) report.error([], 'must be / or one name without slashes');
});

/** config-linux.md#intelrdt. */
export const intelRdt = object(
  {},
  {
    closID: absentIfEmpty(closId),
    schemata: array(line),
    l3CacheSchema: absentIfEmpty(line),
    memBwSchema: absentIfEmpty(matching(/^MB:[^\n]*$/, 'one line that starts with MB:')),
    enableMonitoring: boolean,
  },
  // Of runtime-spec 1.0 to 1.2; without a meaning since 1.3.
  ['enableCMT', 'enableMBM'],
);

export type IntelRdt = Infer<typeof intelRdt>;
