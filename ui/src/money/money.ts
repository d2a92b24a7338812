/** Money is a bigint of minor units in the app; a decimal only in text, JSON and on the screen. */
export const amountMinorMax = 999_999_999_999n

/** 10.5 or "10.5" → 1050n. Throws for what the API never sends: more than two fraction digits, or an exponent. */
export function minorFromDecimal(decimal: number | string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(String(decimal))
  if (!match) throw new RangeError(`${decimal} is not an amount of money`)
  const [, sign, whole = '', fraction = ''] = match
  const minor = BigInt(whole + fraction.padEnd(2, '0'))
  return sign ? -minor : minor
}

/** 1050n → "10.50" */
export function decimalText(minor: bigint): string {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(3, '0')
  return `${minor < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** For a JSON body. A double carries the fifteen digits of the largest amount exactly. */
export const decimalNumber = (minor: bigint): number => Number(decimalText(minor))

export type ParsedAmount =
  | { kind: 'amount'; minor: bigint }
  | { kind: 'empty' }
  | { kind: 'refused'; explanation: string }

/** What a person typed, with or without grouping: "1,234.50". Never rounds and never guesses. */
export function parseAmount(typed: string): ParsedAmount {
  const text = typed.trim()
  if (text === '') return { kind: 'empty' }
  const plain = /^\d{1,3}(,\d{3})+(\.\d*)?$/.test(text) ? text.replaceAll(',', '') : text.replaceAll(' ', '')
  if (/^\d+,\d{1,2}$/.test(plain)) return refused('Write the cents after a point, like 12.50.')
  if (plain.startsWith('-')) return refused('Write the amount without a sign.')
  const match = /^(\d*)(?:\.(\d*))?$/.exec(plain)
  const [, whole = '', fraction = ''] = match ?? []
  if (!match || whole + fraction === '') return refused('Write a number, like 12.50.')
  if (fraction.length > 2) return refused('At most two digits after the point.')
  const minor = minorFromDecimal(`${whole || '0'}${fraction && `.${fraction}`}`)
  if (minor === 0n) return refused('The smallest amount is 0.01.')
  if (minor > amountMinorMax) return refused('The largest amount is 9,999,999,999.99.')
  return { kind: 'amount', minor }
}

const refused = (explanation: string) => ({ kind: 'refused', explanation }) as const

/** Formats exactly: Intl reads the decimal from text, never from a rounded number. */
export function moneyFormat(currency: string, locale?: string) {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 } as const
  const plain = new Intl.NumberFormat(locale, { style: 'currency', currency, ...digits })
  const signed = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    signDisplay: 'exceptZero',
    ...digits,
  })
  const exact = (minor: bigint) => decimalText(minor) as Intl.StringNumericLiteral
  return {
    format: (minor: bigint) => plain.format(exact(minor)),
    formatSigned: (minor: bigint) => signed.format(exact(minor)),
    /** For a display that sets the fraction smaller than the rest. */
    parts: (minor: bigint) => plain.formatToParts(exact(minor)),
  }
}
