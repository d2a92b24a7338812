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
