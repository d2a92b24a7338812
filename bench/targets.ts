import type { Target } from './harness/targets.ts'

/** Ratios within one run, so that they mean the same on another machine; times are for two cores. */
export const targets: Target[] = []
