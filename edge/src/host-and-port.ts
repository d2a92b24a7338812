import { isIPv6 } from 'node:net'

/** As URLs and people write it: an IPv6 address stands in brackets. */
export const hostAndPort = (host: string, port: number | string): string =>
  `${isIPv6(host) ? `[${host}]` : host}:${port}`
