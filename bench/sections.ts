import { endToEnd } from './end-to-end/end-to-end.ts'
import { engine } from './engine/engine.ts'
import { growth } from './growth/growth.ts'
import type { Section } from './harness/section.ts'
import { limits } from './limits/limits.ts'
import { overload } from './overload/overload.ts'
import { peers } from './peers/peers.ts'

/** In the order they run and stand in the reports. */
export const sections: Section[] = [limits, endToEnd, engine, overload, growth, peers]
