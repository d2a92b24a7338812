import { randomUUID } from 'node:crypto'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from './log.ts'
import { Problem, problemBody } from './problem.ts'

/**
 * Answers what Node could not read as an HTTP request (no route, hook or error handler ever sees it) with a
 * problem too, and closes the connection: what follows on it cannot be told apart from the broken part.
 */
export function answerClientError(log: Logger) {
  const waiting = new WeakSet<Socket>()

  return function answer(error: Error & { code?: string }, socket: Answering): void {
    if (error.code === 'ECONNRESET' || socket.destroyed || waiting.has(socket)) return
    // A request that came whole before it is answered before it: its client would take this for that answer.
    const before = socket._httpMessage
    if (before?.req.complete) {
      waiting.add(socket)
      before.once('close', () => {
        waiting.delete(socket)
        answer(error, socket)
      })
    } else {
      refuse(error, socket)
    }
  }

  function refuse(error: Error & { code?: string }, socket: Socket): void {
    const problem = problemFor(error.code)
    const request_id = randomUUID()
    log.debug({ err: error, request_id }, problem.code)
    if (socket.writable) {
      const body = JSON.stringify(problemBody(problem, request_id))
      socket.write(
        `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nconnection: close\r\n` +
          `content-type: application/problem+json\r\nx-request-id: ${request_id}\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
    }
    socket.destroySoon()
  }
}

/** With Node's own mark of the response whose turn it is. */
type Answering = Socket & { _httpMessage?: ServerResponse | null }

function problemFor(code: string | undefined): Problem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(408, 'request_timeout', 'The request did not arrive in time. Send it again.')
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(431, 'headers_too_large', 'The request line and headers are larger than 16 KiB.')
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem(413, 'body_too_large', 'The chunk extensions are too large.')
    case 'HPE_INVALID_METHOD':
      return new Problem(
        400,
        'invalid_request',
        'This begins with no method of HTTP, such as GET or POST in capitals.',
      )
    default:
      return new Problem(400, 'invalid_request', 'This is not an HTTP/1.1 request.')
  }
}
