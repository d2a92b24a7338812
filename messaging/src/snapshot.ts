/** PostgreSQL's pg_snapshot: every transaction below xmax that is not in progress has ended. */
export type Snapshot = { xmax: bigint; inProgress: bigint[] }

/** Before every transaction. */
export const emptySnapshot = '3:3:'

/** Reads the text form `xmin:xmax:xip,xip,…`. */
export function parseSnapshot(text: string): Snapshot {
  const match = /^\d+:(\d+):([\d,]*)$/.exec(text)
  if (!match) throw new RangeError(`"${text}" is not a pg_snapshot`)
  const [, xmax = '', inProgress = ''] = match
  return { xmax: BigInt(xmax), inProgress: inProgress ? inProgress.split(',').map(BigInt) : [] }
}
