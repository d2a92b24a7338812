import { quantile } from '../harness/statistics.ts'
import { type Answer, HttpConnection } from './http-connection.ts'

export type Calls = { url: string; method: string; path: string; body: string; count: number }

/** The middle of the times of that many calls, one after the other on one connection, in ms. */
export async function timeCalls({ url, method, path, body, count }: Calls): Promise<number> {
  const connection = new HttpConnection(new URL(url))
  const call = () =>
    new Promise<Answer | undefined>(resolve => connection.request(method, path, body, resolve))
  const took: number[] = []
  for (let index = 0; index < count; index++) {
    const startedAt = performance.now()
    const answer = await call()
    took.push(performance.now() - startedAt)
    if (answer?.status !== 200 && answer?.status !== 201) {
      throw new Error(`${method} ${path} answered ${answer?.status ?? 'nothing'}: ${answer?.body}`)
    }
  }
  connection.close()
  return quantile(took, 0.5)
}
