import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { projectFolder } from '../system/settings.ts'

/** `failures` are names, for the end of a long output. */
export type Count = { passed: number; failed: number; skipped: number; failures: string[] }

let running: ChildProcess | undefined

/** Passes an interruption on to the step under way. */
export function stopRunning(): void {
  running?.kill('SIGINT')
}

/** Types or lint: one test, however many commands it takes. */
export async function runCheck(name: string, commands: string[]): Promise<Count> {
  console.log(`\n${name}`)
  let failed = 0
  for (const command of commands) {
    const [tool, ...args] = command.split(' ')
    if ((await runTool(tool!, args)) !== 0) failed = 1
  }
  console.log(failed ? `${name} failed` : `${name} passed`)
  return { passed: 1 - failed, failed, skipped: 0, failures: failed ? [name] : [] }
}

type Project = {
  project: string
  filters: string[]
  resultFile: string
  env: Record<string, string> | undefined
}

type FileResult = { name: string; assertionResults: { status: string; fullName: string }[] }

/** One Vitest project; counts come from its JSON report, so that what it says and what we say agree. */
export async function runProject({ project, filters, resultFile, env }: Project): Promise<Count> {
  console.log(`\n${project}`)
  rmSync(resultFile, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultFile}`]
  const code = await runTool('vitest', ['run', `--project=${project}`, ...reporters, ...filters], env)
  const report = existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : {}
  const {
    numPassedTests: passed = 0,
    numFailedTests: failed = 0,
    numPendingTests: pending = 0,
    numTodoTests: todo = 0,
    testResults = [],
  } = report
  const failures = (testResults as FileResult[]).flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => `${relative(projectFolder, name)}: ${fullName}`),
  )
  // A file that could not be loaded or a set-up that broke fails the run without failing a test.
  if (code !== 0 && failures.length === 0) failures.push(`${project} as a whole; see above`)
  return { passed, failed: code === 0 ? failed : Math.max(1, failed), skipped: pending + todo, failures }
}

function runTool(tool: string, args: string[], env: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(projectFolder, 'node_modules/.bin', tool), args, {
      cwd: projectFolder,
      stdio: 'inherit',
      env: {
        ...process.env,
        // kafkajs computes timers that Node 24 warns of on every connection; they do no harm.
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --disable-warning=TimeoutNegativeWarning`,
        ...env,
      },
    })
    running = child
    child.once('error', reject)
    child.once('exit', code => {
      running = undefined
      resolve(code ?? 1)
    })
  })
}
