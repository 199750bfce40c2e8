/** One value for one file of a container's cgroup. */
export interface Setting {
  readonly file: string;
  /** What is written; several lines are several writes. */
  readonly value: string;
  /** Where config.json asks for it. */
  readonly pointer: string;
  /** The controller whose file it is; null for cgroup.* files, which are always there. */
  readonly controller: string | null;
  /** Nothing is lost if the file, or the controller, is missing: "no limit" is true without it. */
  readonly optional: boolean;
}

/** A setting below /linux/resources; the controller is the file's first word. A value that limits nothing is optional. */
export function setting(file: string, value: string | bigint | number, pointer: string, optional = false): Setting {
  const controller = file.slice(0, file.indexOf('.'));
  return {
    file,
    value: String(value),
    pointer: `/linux/resources${pointer}`,
    controller: controller === 'cgroup' ? null : controller,
    optional: optional || noLimit.test(String(value)),
  };
}

// "max", "max 100000", "8:0 rbps=max"
const noLimit = /^max( \d+)?$|=max$/;

/** 'max' for -1, as the runtime-spec has it. */
export function orMax(value: bigint): string {
  return value < 0n ? 'max' : String(value);
}
