/** For commands that only call the running system. */
export const gatewayUrlIn = (env: Record<string, string | undefined>): string =>
  env.GATEWAY_URL || `http://127.0.0.1:${env.GATEWAY_PORT || 8080}`

export const nobodyAt = (url: string): string =>
  `Nothing answers at ${url}. Start the system with npm start, or set GATEWAY_URL.`

/** For who gave the address of the UI, or of one service. */
export const notTheGatewayAt = (url: string): string =>
  `What answers at ${url} is not the gateway. Set GATEWAY_URL to its address, which npm start prints as API.`
