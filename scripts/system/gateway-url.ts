import { hostAndPort } from 'edge/host-and-port'

/** Where clients on this machine reach what binds `host`. */
export const reachedAt = (host: string): string => (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host)

/** Where it is named, or else where `npm start` has it. */
export const gatewayUrlIn = (env: Record<string, string | undefined>): string =>
  env.GATEWAY_URL || `http://${hostAndPort(reachedAt(env.HOST || '127.0.0.1'), env.GATEWAY_PORT || 8080)}`

export const nobodyAt = (url: string): string =>
  `Nothing answers at ${url}. Start the system with npm start, or set GATEWAY_URL.`

/** For who gave the address of the UI, or of one service. */
export const notTheGatewayAt = (url: string): string =>
  `What answers at ${url} is not the gateway. Set GATEWAY_URL to its address, which npm start prints as API.`
