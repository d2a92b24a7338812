import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Around `npm pack`: the workspace runs the sources as they are, but Node runs no TypeScript below node_modules. So
 * prepack compiles them and has package.json name what is compiled (npm reads it again after prepack, and knows no
 * other exports for a package than for its folder); postpack has it name the sources again.
 */
const inFolder = (path: string) => join(import.meta.dirname, path)

if (process.argv[2] === 'before') {
  rmSync(inFolder('dist'), { recursive: true, force: true })
  execFileSync('tsc', ['--project', inFolder('tsconfig.build.json')], { stdio: 'inherit' })
  rename(/"\.\/src\/(.*)\.ts"/g, '"./dist/$1.js"')
} else {
  rename(/"\.\/dist\/(.*)\.js"/g, '"./src/$1.ts"')
}

function rename(from: RegExp, to: string): void {
  const manifest = inFolder('package.json')
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(from, to))
}
