import { isUtf8 } from 'node:buffer'

/**
 * A number with this many digits, or an exponent, may not survive JSON.parse unchanged. A number comes after one of
 * these signs or at the start; without them, the digits and letters of nearly every UUID would be suspicious.
 */
const suspicious = /(?:^|[[:,\s])-?\d(?:[\d.]{15}|[\d.]*[eE])/

/** The name, or an escape of any of its letters. */
const prototypeLike = /__proto__|\\u00(?:5f|6f|7[024])/i

/**
 * JSON.parse that never rounds: a number literal which no double carries exactly becomes a symbol described by its own
 * digits. That is of no type which a schema knows, so that it is refused in its place, also where a text may stand.
 * Throws SyntaxError, and nothing else, for what is not JSON, not UTF-8 or nested too deeply to look through. Keys named __proto__ are refused.
 */
export function parseJsonExactly(bytes: Buffer | string): unknown {
  if (typeof bytes !== 'string' && !isUtf8(bytes)) throw new SyntaxError('the text is not valid UTF-8')
  const text = String(bytes)
  if (prototypeLike.test(text)) return reviveWith(refusePrototype, text)
  return suspicious.test(text) ? reviveWith(keepExact, text) : JSON.parse(text)
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown

/** Parsing itself takes any depth; reviving recurses, and what overflows the stack is a mistake of its sender. */
function reviveWith(reviver: Reviver, text: string): unknown {
  try {
    return JSON.parse(text, reviver)
  } catch (error) {
    throw error instanceof RangeError ? new SyntaxError('the text is nested too deeply') : error
  }
}

function keepExact(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value
  return sameDecimal(context.source, String(value)) ? value : Symbol(context.source)
}

function refusePrototype(key: string, value: unknown, context?: { source?: string }): unknown {
  if (key === '__proto__') throw new SyntaxError('the field name __proto__ is not allowed')
  return keepExact(key, value, context)
}

/** Whether two decimal literals name the same number: equal digits and exponent after normalising. */
export function sameDecimal(a: string, b: string): boolean {
  return normal(a) === normal(b)
}

function normal(literal: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal)
  if (!match) return literal
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  const scale = Number(exponent) - fraction.length + (digits.length - significant.length)
  return `${sign}${significant}e${scale}`
}
