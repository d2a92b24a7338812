import type { Finding, Slice } from 'edge/integrity'
import type { AreaName } from './progress.ts'

/** Late orders are no stretch of history: each turn says anew which they are. */
export type FindingArea = AreaName | 'overdue'

/** A finding, where to look for it again, and since when it is known. */
export type OpenFinding = Finding & { area: FindingArea; after: string; found_at: string }

/** Kept of each check, so that none crowds out another; what was left out is found by a later sweep. */
export const openPerCheckMax = 20

/** What is wrong as far as is known. Each check of a slice says anew what is wrong in it. */
export class OpenFindings {
  #open: OpenFinding[]
  readonly #now: string

  constructor(open: OpenFinding[], now: Date) {
    this.#open = open
    this.#now = now.toISOString()
  }

  get all(): OpenFinding[] {
    return this.#open
  }

  /** Takes the place of what was known of the slice after `after`. */
  replace(area: FindingArea, after: string, { until, is_last, findings }: Slice): void {
    const isIn = (one: OpenFinding) => one.area === area && one.at > after && (is_last || one.at <= until)
    const known = new Map(this.#open.filter(isIn).map(one => [keyOf(one), one]))
    const others = this.#open.filter(one => !isIn(one))
    const now = findings.map(finding => ({
      ...finding,
      area,
      after,
      found_at: known.get(keyOf(finding))?.found_at ?? this.#now,
    }))
    const counts = new Map<string, number>()
    this.#open = [...others, ...now].filter(({ check }) => {
      const count = (counts.get(check) ?? 0) + 1
      counts.set(check, count)
      return count <= openPerCheckMax
    })
  }

  /** Those that were not known before. */
  since(before: OpenFinding[]): OpenFinding[] {
    const known = new Set(before.map(keyOf))
    return this.#open.filter(one => !known.has(keyOf(one)))
  }
}

const keyOf = ({ check, id, at }: Finding) => `${check} ${id} ${at}`
