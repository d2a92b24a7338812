import { parseJsonExactly } from './json.ts'
import { Problem } from './problem.ts'

/** The body of a request. Throws the problem to tell its sender. */
export function readJson(body: Buffer | string): unknown {
  if (body.length === 0) throw new Problem(400, 'invalid_json', 'The body is empty; send a JSON object.')
  try {
    return parseJsonExactly(body)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Problem(400, 'invalid_json', `The body is not JSON: ${error.message}.`)
  }
}
