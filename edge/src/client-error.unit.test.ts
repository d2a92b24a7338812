import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { answerClientError } from './client-error.ts'

/** What a server that takes 30 ms for each request answers to these bytes, until it closes the connection. */
async function told(bytes: string): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => void sleep(30).then(() => response.end(`to ${request.url}`)))
  })
  server.on('clientError', answerClientError(pino({ level: 'silent' })))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

const post = (path: string) => `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}`

test('one byte too many after a request does not hide its answer', async () => {
  const answer = await told(`${post('/a')}\0`)
  expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n.*to \/aHTTP\/1.1 400 Bad Request\r\n.*"invalid_request"/s)
})

test('of two requests and rubbish each is answered in its turn', async () => {
  const answer = await told(`${post('/a')}${post('/b')}rubbish\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1.1 200.*to \/aHTTP\/1.1 200.*to \/bHTTP\/1.1 400.*"invalid_request"/s)
})

test('a request that is itself broken is refused at once', async () => {
  const answer = await told('POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n')
  expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*"invalid_request"/s)
})

test.each([
  ['FOO /orders HTTP/1.1\r\nhost: x\r\n\r\n', 'begins with no method'],
  ['GET /orders HTTP/3\r\nhost: x\r\n\r\n', 'not an HTTP/1.1 request'],
])('%j is told that it %s', async (bytes, words) => {
  expect(await told(bytes)).toContain(words)
})
