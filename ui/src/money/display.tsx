import { minorFromDecimal, moneyFormat } from './money.ts'

const currency = document.documentElement.dataset.currency ?? 'USD'
// Intl's own default, since navigator.language may be what Intl does not take (en-US@posix).
const format = moneyFormat(currency)

/** An amount as the API sends it (a decimal) or as the app computes with it (minor units). */
export function Money({ value, signed = false }: { value: number | bigint; signed?: boolean }) {
  const minor = typeof value === 'bigint' ? value : minorFromDecimal(value)
  return <bdi className="money">{signed ? format.formatSigned(minor) : format.format(minor)}</bdi>
}

/** A balance in display size: the fraction steps back. */
export function LargeMoney({ value }: { value: number }) {
  const parts = format.parts(minorFromDecimal(value))
  return (
    <bdi className="money large-money">
      {parts.map(({ type, value }, index) => {
        const quiet = type === 'decimal' || type === 'fraction' || type === 'currency'
        // biome-ignore lint/suspicious/noArrayIndexKey: parts of one number have no other identity
        return quiet ? <small key={index}>{value}</small> : <span key={index}>{value}</span>
      })}
    </bdi>
  )
}

export const moneyText = (value: number): string => format.format(minorFromDecimal(value))
export const currencyCode = currency
