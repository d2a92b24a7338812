import { engine } from './engine/engine.ts'
import type { Section } from './harness/section.ts'
import { limits } from './limits/limits.ts'
import { peers } from './peers/peers.ts'

/** In the order they run and stand in the reports. */
export const sections: Section[] = [limits, engine, peers]
