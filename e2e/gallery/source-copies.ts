import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { projectFolder } from 'scripts/system/settings'
import { RunFolder } from 'scripts/testing/run-folder'

const parts = ['edge', 'gateway', 'messaging', 'migrations', 'orders-service', 'payments-service', 'scripts']

/** Sources in folders of their own, to break each in another way; the installed packages are shared. */
export class SourceCopies {
  readonly #folder = new RunFolder()
  readonly path = this.#folder.path

  constructor() {
    symlinkSync(join(projectFolder, 'node_modules'), join(this.path, 'node_modules'))
  }

  /** Throws when the code has moved on from under the patch: make the patch anew then. */
  make(name: string, patchFile?: string): void {
    const copy = join(this.path, name)
    // Nearer than the installed packages, so that the parts of a copy import each other.
    mkdirSync(join(copy, 'node_modules'), { recursive: true })
    for (const part of parts) {
      const isSource = (path: string) => basename(path) !== 'node_modules'
      cpSync(join(projectFolder, part), join(copy, part), { recursive: true, filter: isSource })
      symlinkSync(join('..', part), join(copy, 'node_modules', part))
    }
    if (patchFile) applyPatch(patchFile, copy)
  }

  remove(): void {
    this.#folder.remove()
  }
}

/** One line of context must match: what stands further away may change without a new patch. */
export const applyPatch = (patchFile: string, folder: string, ...options: string[]) =>
  execFileSync('git', ['apply', '-C1', ...options, patchFile], { cwd: folder, stdio: 'pipe' })
