import type { Contender } from './contenders.ts';
import { time } from './time.ts';

export interface Rounds {
  readonly rounds: number;
  readonly runs: number;
}

/** Each contender in turn, round after round, so that the machine's moods meet all of them alike: milliseconds of each run. */
export function measureInTurn(present: readonly Contender[], { rounds, runs }: Rounds): Map<Contender, number[]> {
  const samples = new Map(present.map((contender) => [contender, [] as number[]]));
  for (const contender of present) time(contender, 3); // warm
  for (let round = 0; round < rounds; round++) {
    const turn = round % present.length; // nobody always comes after the same one
    for (const contender of [...present.slice(turn), ...present.slice(0, turn)]) samples.get(contender)?.push(...time(contender, runs));
  }
  return samples;
}
