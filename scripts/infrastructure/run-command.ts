import { type SpawnOptions, spawn } from 'node:child_process'

const outputCharactersMax = 8000

/** Runs a command to its end and answers its output. Throws with the command's own last words. */
export function run(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const take = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-outputCharactersMax)
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output)
      else reject(new Error(`${command} failed (${signal ?? `exit code ${code}`}): ${output.trim()}`))
    })
  })
}
