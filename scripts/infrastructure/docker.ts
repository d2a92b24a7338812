import { run } from './run-command.ts'

const answerMsMax = 5000

let answer: Promise<boolean> | undefined

/** Whether a Docker engine answers; asked once per process. */
export function dockerAnswers(): Promise<boolean> {
  answer ??= run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: answerMsMax }).then(
    () => true,
    () => false,
  )
  return answer
}

/** Fetches those of the images that are missing, and says so. Answers why one is not to be had. */
export async function fetchImages(
  images: string[],
  say: (line: string) => void,
): Promise<string | undefined> {
  for (const image of images) {
    if (await run('docker', ['image', 'inspect', image]).then(Boolean, () => false)) continue
    say(`Fetching the image ${image}; this is done once.`)
    try {
      await run('docker', ['pull', '--quiet', image], { timeout: pullMsMax })
    } catch (error) {
      return `the image ${image} is neither here nor to be fetched (${(error as Error).message})`
    }
  }
  return undefined
}

const pullMsMax = 300_000
