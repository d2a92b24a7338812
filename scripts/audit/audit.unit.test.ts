import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { runDemo } from '../demo/run-demo.ts'
import { runAudit } from './run-audit.ts'

let server: Server
afterEach(() => {
  vi.restoreAllMocks()
  server.close()
})

/** Its address; every call is answered with this. */
async function answering(status: number, body: string): Promise<string> {
  server = createServer((_request, response) => response.writeHead(status).end(body))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const audit = (url: string) => runAudit({ isFull: false, asJson: false }, { GATEWAY_URL: url })
const demo = (gatewayUrl: string) =>
  runDemo({ gatewayUrl, orders: 1, accounts: 1, rate: 0, concurrency: 1, settleSecondsMax: 1 })

test.each([
  ['the UI', 200, '<!doctype html>'],
  ['a service', 200, '{"service":"orders","findings":[]}'],
  ['another program', 404, 'There is nothing here.'],
])('the address of %s is told from that of the gateway', async (_whose, status, body) => {
  const url = await answering(status, body)
  const printed = vi.spyOn(console, 'log').mockReturnValue()
  expect(await audit(url)).toBe(2)
  expect(await demo(url)).toBe(1)
  const told = expect.stringContaining(`What answers at ${url} is not the gateway. Set GATEWAY_URL`)
  expect(printed.mock.calls).toEqual([[told], [told]])
})

test('what stands before the gateway and cannot reach it is told by its answer', async () => {
  const url = await answering(502, '<html>Bad Gateway</html>')
  const printed = vi.spyOn(console, 'log').mockReturnValue()
  expect(await audit(url)).toBe(2)
  expect(printed).toHaveBeenCalledWith(`GET ${url}/integrity answered 502: Bad Gateway`)
})
