import { HttpConnection } from './http-connection.ts'

export type ClosedLoop = {
  /** Taken in turns by the connections. */
  urls: string[]
  connections: number
  seconds: number
  /** Accounts that place orders: user ids from 1. */
  users: number
  path?: string
}
export type Answers = { accepted: number; refused: number; failed: number; cpuMs: number }

/** Each connection places its next order when the last was answered. Answers when the last ones are. */
export async function closedLoop({
  urls,
  connections,
  seconds,
  users,
  path = '/orders',
}: ClosedLoop): Promise<Answers> {
  const cpu = process.cpuUsage()
  const answers = { accepted: 0, refused: 0, failed: 0 }
  const endsAt = performance.now() + seconds * 1000
  let placed = 0
  const run = (url: URL) =>
    new Promise<void>(resolve => {
      let connection = new HttpConnection(url)
      const next = () => {
        if (performance.now() >= endsAt) {
          connection.close()
          return resolve()
        }
        connection.request('POST', path, orderBody(++placed, users), answer => {
          if (answer?.status === 201) answers.accepted++
          else if (answer) answers.refused++
          else {
            answers.failed++
            connection = new HttpConnection(url)
          }
          next()
        })
      }
      next()
    })
  await Promise.all(
    Array.from({ length: connections }, (_, index) => run(new URL(urls[index % urls.length]!))),
  )
  const { user, system } = process.cpuUsage(cpu)
  return { ...answers, cpuMs: (user + system) / 1000 }
}

export const orderBody = (number: number, users: number): string =>
  `{"user_id":${1 + (number % users)},"amount":10.5,"description":"Two books"}`
