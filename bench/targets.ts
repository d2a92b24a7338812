import type { Target } from './harness/targets.ts'

/** Ratios within one run, so that they mean the same on another machine; times are for two cores. */
export const targets: Target[] = [
  {
    about: 'Relay: drain of 500,000 rows over a warm, tuned Debezium',
    of: 'peers/ours: drain of 500,000 rows/published',
    over: 'peers/Debezium, tuned: drain of 500,000 rows/published',
    must: 1.4,
    aim: 2,
  },
]
