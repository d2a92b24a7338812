import { Presets, SingleBar } from 'cli-progress'

const linesMax = 10

export type Progress = { update(done: number): void; stop(): void }

/** A bar for a person; at most ten lines for a file. */
export function showProgress(total: number): Progress {
  if (!process.stderr.isTTY) return showLines(total)
  const bar = new SingleBar(
    { format: '  settled {bar} {value}/{total}', hideCursor: true, fps: 10 },
    Presets.shades_classic,
  )
  bar.start(total, 0)
  return {
    update: done => bar.update(done),
    stop: () => bar.stop(),
  }
}

function showLines(total: number): Progress {
  let said = 0
  return {
    update(done) {
      const step = Math.floor((done * linesMax) / total)
      if (step > said) console.log(`  settled ${done}/${total}`)
      said = Math.max(said, step)
    },
    stop: () => undefined,
  }
}
