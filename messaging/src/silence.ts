import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'

/**
 * Ends a socket on which something was asked and nothing has come back for so long, as when the other end has gone
 * without a word: no library we use would notice, and each would ask on it again. To be told when bytes arrive, and how
 * many of the writes they answer: all, where no number is given.
 */
export function watchSilence(socket: Socket, silenceMs: number, who: string) {
  const write = socket.write.bind(socket)
  let unanswered = 0
  let heardAt = 0
  socket.write = ((...args: Parameters<typeof write>) => {
    if (unanswered++ === 0) heardAt = performance.now()
    return write(...args)
  }) as typeof socket.write
  const watching = setInterval(() => {
    if (unanswered === 0 || performance.now() - heardAt < silenceMs) return
    const error = new Error(`${who} has answered nothing for ${silenceMs} ms`)
    socket.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
  }, silenceMs / 10).unref()
  socket.once('close', () => clearInterval(watching))
  return {
    heard() {
      heardAt = performance.now()
    },
    answered(count = unanswered) {
      unanswered -= count
    },
  }
}
