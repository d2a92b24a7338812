import { appendFileSync, readFileSync } from 'node:fs'

/** One asking of one operation. Documented in docs/checker.md: other teams write it too. */
export type Attempt = {
  /** Of the operation; the same where the same request was sent again. An order carries it as its description. */
  op: string
  act: 'open_account' | 'place_order' | 'change_balance'
  user: number
  /** Minor units, as text. A withdrawal is negative. */
  amount: string
  /** When it was sent and when its outcome was known, in ms since 1970. */
  from: number
  to: number
  /** ok: acknowledged. refused: the answer says that nothing was done. unknown: all else, also no answer. */
  outcome: 'ok' | 'refused' | 'unknown'
  /** The id in the acknowledgement of an order. */
  order?: string
  /** For people: the status or the error. */
  why?: string
}

/** What happened around the operations; the checker reads `healed` and `settled` only. */
export type Mark = { mark: 'fault' | 'healed' | 'settled'; at: number; what?: string }
export type HistoryLine = Attempt | Mark

/** Keeps what happened, in a file too: each line is written before anything is done about it. */
export class History {
  readonly #file: string | undefined
  readonly attempts: Attempt[] = []
  readonly marks: Mark[] = []

  constructor(file?: string) {
    this.#file = file
  }

  add(line: HistoryLine): void {
    if ('mark' in line) this.marks.push(line)
    else this.attempts.push(line)
    if (this.#file) appendFileSync(this.#file, `${JSON.stringify(line)}\n`)
  }
}

const outcomes = ['ok', 'refused', 'unknown']
const acts = ['open_account', 'place_order', 'change_balance']

/** Throws with the number of the first line that is not in the format. */
export function readHistory(files: string[]): History {
  const history = new History()
  for (const file of files) {
    const lines = readFileSync(file, 'utf8').split('\n')
    for (const [index, text] of lines.entries()) {
      if (text.trim() === '') continue
      const problem = addLine(history, text)
      if (problem) throw new Error(`${file}, line ${index + 1}: ${problem}`)
    }
  }
  return history
}

function addLine(history: History, text: string): string | undefined {
  let line: HistoryLine
  try {
    line = JSON.parse(text)
  } catch (error) {
    return (error as Error).message
  }
  if (typeof line !== 'object' || line === null) return 'it is no object'
  if (!('mark' in line)) {
    if (typeof line.op !== 'string' || line.op === '') return 'op is missing'
    if (!acts.includes(line.act)) return `act is none of ${acts.join(', ')}`
    if (!outcomes.includes(line.outcome)) return `outcome is none of ${outcomes.join(', ')}`
    if (!/^-?\d+$/.test(line.amount)) return 'amount is no whole number of minor units, as text'
    if (!Number.isSafeInteger(line.user)) return 'user is no whole number'
    if (!(line.from <= line.to)) return 'from is not before to'
    if (line.act === 'place_order' && line.outcome === 'ok' && !line.order)
      return 'an acknowledged order has no id'
  } else if (typeof line.at !== 'number') return 'at is missing'
  history.add(line)
  return undefined
}
