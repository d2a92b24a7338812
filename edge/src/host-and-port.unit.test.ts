import { expect, test } from 'vitest'
import { hostAndPort } from './host-and-port.ts'

test.each([
  ['::1', '[::1]:8080'],
  ['fd00::7', '[fd00::7]:8080'],
  ['127.0.0.1', '127.0.0.1:8080'],
  ['db.example', 'db.example:8080'],
])('%s is written %s', (host, written) => {
  expect(hostAndPort(host, 8080)).toBe(written)
  expect(new URL(`http://${written}/`).host).toBe(written)
})
