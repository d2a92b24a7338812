import { type Parsed, parseCommandLine } from '../command-line.ts'

export const checks = {
  types: ['tsc --noEmit -p .', 'tsc --noEmit -p ui'],
  lint: ['biome check .'],
}
export const projects = ['unit', 'simulation', 'int', 'proof', 'e2e']
const steps = [...Object.keys(checks), ...projects]

export const usage = `npm test [-- ${steps.join('|')} …] [-- part of a test file's path …]

Without arguments: types, lint, unit tests and the simulation (SEED=17 for one seed), then the int, proof and e2e tests
on real PostgreSQL and Kafka.
TEST_INFRA=containers|embedded|external chooses the servers; external takes TEST_POSTGRES_URL and TEST_KAFKA_BROKERS.`

export type TestOptions = {
  /** Steps to run. */
  wanted: string[]
  /** Parts of test files' paths. */
  filters: string[]
}

export const parseTestOptions = (args: string[]): Parsed<TestOptions> =>
  parseCommandLine(args, { flags: {}, usage }, (_, words) => {
    const named = words.filter(word => steps.includes(word))
    const filters = words.filter(word => !steps.includes(word))
    // A filter is about test files, so it leaves the checks out.
    const wanted = named.length > 0 ? named : filters.length > 0 ? projects : steps
    return { kind: 'options', options: { wanted, filters } }
  })
