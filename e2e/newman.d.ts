/** The part of newman that is used here; the package has no types of its own. */
declare module 'newman' {
  type Failure = { error: { name: string; test?: string; message: string }; source?: { name?: string } }
  type Summary = {
    run: {
      stats: { assertions: { total: number; failed: number }; requests: { total: number; failed: number } }
      failures: Failure[]
    }
  }
  type Options = {
    collection: object
    environment: object
    envVar: { key: string; value: string }[]
    reporters: string[]
    timeoutRequest: number
  }
  const newman: { run(options: Options, done: (error: Error | null, summary: Summary) => void): void }
  export default newman
}
