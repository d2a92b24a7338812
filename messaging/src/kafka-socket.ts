import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { Frames } from './frames.ts'

/**
 * Longer than a broker lets any request of ours wait: joining a group lasts up to its rebalance timeout of 10 s. A
 * connection that answers nothing for so long leads nowhere, and kafkajs would ask again on it, 30 s each time.
 */
const silenceMsMax = 15_000

/**
 * Mends two habits of kafkajs on a socket to a broker. Answers are handed over whole: of a connection that breaks within one
 * kafkajs keeps the first part and reads the next connection on from there, until it reads a size where there is none
 * and the process ends with ERR_BUFFER_OUT_OF_BOUNDS. And a socket that leaves requests unanswered for too long, because
 * the other end has gone without a word, is destroyed, so that a new one is opened.
 */
export function mendSocket<Kind extends Socket>(socket: Kind, silenceMs = silenceMsMax): Kind {
  const [emit, write] = [socket.emit.bind(socket), socket.write.bind(socket)]
  const frames = new Frames()
  let unanswered = 0
  let heardAt = 0
  socket.write = ((...args: Parameters<typeof write>) => {
    // kafkajs writes each request at once, and asks for an answer to each.
    if (unanswered++ === 0) heardAt = performance.now()
    return write(...args)
  }) as typeof socket.write
  socket.emit = (event: string | symbol, ...args: unknown[]) => {
    if (event !== 'data') return emit(event, ...args)
    try {
      const { bytes, count } = frames.add(args[0] as Buffer)
      unanswered -= count
      heardAt = performance.now()
      return count === 0 || emit('data', bytes)
    } catch (error) {
      socket.destroy(error as Error)
      return true
    }
  }
  const watching = setInterval(() => {
    if (unanswered > 0 && performance.now() - heardAt > silenceMs) {
      socket.destroy(new Error(`the broker has answered nothing for ${silenceMs} ms`))
    }
  }, silenceMs / 10).unref()
  socket.once('close', () => clearInterval(watching))
  return socket
}
