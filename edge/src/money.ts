import { Type } from 'typebox'

/**
 * Money is a bigint of minor units inside and a decimal JSON number outside. Fifteen decimal digits survive the
 * way through a double unchanged (IEEE 754), which bounds what may be carried: see balanceMinorMax.
 */
export const amountMinorMax = 999_999_999_999n
export const balanceMinorMax = 999_999_999_999_999n

/** 10.5 → 1050n. Undefined for more than two fraction digits, or where no exact value is carried; never rounds. */
export function minorFromDecimal(decimal: number): bigint | undefined {
  const match = /^(-?)(\d{1,13})(?:\.(\d{1,2}))?$/.exec(String(decimal))
  if (!match) return undefined
  const [, sign, whole, fraction = ''] = match
  const minor = BigInt(whole + fraction.padEnd(2, '0'))
  return sign ? -minor : minor
}

/** 1050n → 10.5. Exact up to balanceMinorMax: division of two integers below 2^53 rounds to the nearest double. */
export const decimalFromMinor = (minor: bigint): number => Number(minor) / 100

/** For a number that a schema has already checked; a miss is a bug in the schema. */
export function minorFromChecked(decimal: number): bigint {
  const minor = minorFromDecimal(decimal)
  if (minor === undefined) throw new RangeError(`${decimal} is not an amount of money`)
  return minor
}

const money = { multipleOf: 0.01 }
const orderMax = decimalFromMinor(amountMinorMax)

/** 0.01 to 9,999,999,999.99 */
export const Amount = Type.Number({ ...money, minimum: 0.01, maximum: orderMax, examples: [10.5] })
/** 0 to 9,999,999,999.99 */
export const OpeningBalance = Type.Number({ ...money, minimum: 0, maximum: orderMax, default: 0 })
/** −9,999,999,999.99 to 9,999,999,999.99, not 0 */
export const BalanceChange = Type.Number({
  ...money,
  minimum: -orderMax,
  maximum: orderMax,
  not: { const: 0 },
})
/** 0 to 9,999,999,999,999.99 */
export const Balance = Type.Number({ minimum: 0, maximum: decimalFromMinor(balanceMinorMax) })
