/** The time of day, as far as it gets into a plan. */
export const clock = { now: (): Date => new Date() };
