/** What a member of a group keeps to, whichever client it speaks through. */

export const sessionTimeoutMsDefault = 10_000
export const heartbeatsPerSession = 5
/** For the last commit and leaving the group; a broker that does not answer by then is left without a word. */
export const leaveMaxMs = 3_000

export const whenAborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise(resolve => {
    if (signal?.aborted) resolve()
    signal?.addEventListener('abort', () => resolve(), { once: true })
  })
