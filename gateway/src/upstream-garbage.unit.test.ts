import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { keep, startUpstream } from './gateway-fixture.ts'

/** Bytes of a request that got old, in a process that does nothing else: as few as it says, however fast the machine is. */
const asking = `
  import { getHeapSpaceStatistics } from 'node:v8'
  import { openUpstream } from '${import.meta.resolve('./upstream.ts')}'
  const upstream = openUpstream('orders', process.argv[1], 10_000)
  const oldBytes = () => getHeapSpaceStatistics().find(space => space.space_name === 'old_space').space_used_size
  const ask = async count => {
    for (let asked = 0; asked < count; asked++)
      await upstream.ask({ method: 'POST', path: '/', headers: {}, body: Buffer.from('x'.repeat(900)) })
  }
  const askAll = count => Promise.all(Array.from({ length: 32 }, () => ask(count / 32)))
  await askAll(4_800)
  let [last, promoted] = [oldBytes(), 0]
  const timer = setInterval(() => {
    const now = oldBytes()
    promoted += Math.max(0, now - last)
    last = now
  }, 5)
  await askAll(16_000)
  console.log(Math.round(promoted / 16_000))
  clearInterval(timer)
  await upstream.close()`

test('what was answered is garbage of the young collector, and does not get old', {
  timeout: 60_000,
}, async () => {
  const { url } = await keep(startUpstream((_request, response) => response.end('{}')))
  const flags = ['--max-semi-space-size=4', '--input-type=module', '-e', asking]
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, url])
  expect(Number(stdout)).toBeLessThan(500)
})
