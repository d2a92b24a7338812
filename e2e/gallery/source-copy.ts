import { execFile, execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { projectFolder } from 'scripts/system/settings'
import { RunFolder } from 'scripts/testing/run-folder'
import type { Check, Defect } from './defects.ts'

type Outcome = 'passed' | 'failed' | 'skipped'

const leftOut = new Set(['node_modules', '.data', '.git', '.ci', 'docs', 'postman'])

/** The sources in a folder of their own, to break and to test there, on the servers of this run. */
export class SourceCopy {
  readonly #folder = new RunFolder()
  readonly #path = join(this.#folder.path, 'sources')
  readonly #servers: string

  constructor(servers: string) {
    this.#servers = servers
    cpSync(projectFolder, this.#path, { recursive: true, filter: path => !leftOut.has(basename(path)) })
    for (const part of ['.', ...readdirSync(this.#path)]) linkModules(part, this.#path)
  }

  /** Throws when the code has moved on from under the patch: make the patch anew then. */
  apply = ({ patchFile }: Defect) => this.#patch(patchFile)
  restore = ({ patchFile }: Defect) => this.#patch(patchFile, '--reverse')

  #patch(patchFile: string, ...options: string[]): void {
    execFileSync('git', ['apply', ...options, patchFile], { cwd: this.#path, stdio: 'pipe' })
  }

  /** How each of these tests ended, by title. A file that cannot even be loaded rejects: that is not being caught. */
  async run(checks: Check[]): Promise<Map<string, Outcome>> {
    const report = join(this.#folder.path, 'report.json')
    rmSync(report, { force: true })
    const titles = [...new Set(checks.map(({ test }) => literally(test)))]
    const args = ['run', '--reporter=json', `--outputFile.json=${report}`]
    const output = await this.#vitest([
      ...args,
      '-t',
      titles.join('|'),
      ...new Set(checks.map(({ file }) => file)),
    ])
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
    const broken = testResults.find(({ assertionResults }) => assertionResults.length === 0)
    if (broken) throw new Error(`${broken.name} does not load: ${broken.message}\n${output}`)
    const results = testResults.flatMap(({ assertionResults }) => assertionResults)
    return new Map(results.map(({ title, status }) => [title, status]))
  }

  #vitest(args: string[]): Promise<string> {
    const env = { ...process.env, TEST_INFRA_RUNNING: this.#servers }
    const vitest = join(projectFolder, 'node_modules/vitest/vitest.mjs')
    return new Promise(resolve => {
      // A test that fails makes it exit with 1, which is what is looked for; the report says which.
      execFile(process.execPath, [vitest, ...args], { cwd: this.#path, env }, (_, out, err) =>
        resolve(out + err),
      )
    })
  }

  remove(): void {
    this.#folder.remove()
  }
}

type Report = {
  testResults: { name: string; message: string; assertionResults: { title: string; status: Outcome }[] }[]
}

const literally = (text: string) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')

/** The packages of the project are those of the copy (their links are relative), all others the installed ones. */
function linkModules(part: string, copy: string): void {
  const installed = join(projectFolder, part, 'node_modules')
  if (!existsSync(installed)) return
  const linked = join(copy, part, 'node_modules')
  mkdirSync(linked)
  for (const name of readdirSync(installed).filter(name => !name.startsWith('.'))) {
    const path = join(installed, name)
    symlinkSync(lstatSync(path).isSymbolicLink() ? readlinkSync(path) : path, join(linked, name))
  }
}
