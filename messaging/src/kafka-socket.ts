import type { Socket } from 'node:net'
import { Frames } from './frames.ts'
import { watchSilence } from './silence.ts'

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
  const emit = socket.emit.bind(socket)
  const frames = new Frames()
  // kafkajs writes each request at once, and asks for an answer to each.
  const { heard, answered } = watchSilence(socket, silenceMs, 'the broker')
  socket.emit = (event: string | symbol, ...args: unknown[]) => {
    if (event !== 'data') return emit(event, ...args)
    try {
      const { bytes, count } = frames.add(args[0] as Buffer)
      heard()
      answered(count)
      return count === 0 || emit('data', bytes)
    } catch (error) {
      socket.destroy(error as Error)
      return true
    }
  }
  return socket
}
