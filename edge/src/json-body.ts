import { parseJsonExactly } from './json.ts'
import { Problem } from './problem.ts'

/** What to tell the sender of a body that is packed, or said to be: nothing here unpacks one. */
export const encodingProblem = (encoding: string | undefined): Problem | null =>
  encoding === undefined || encoding.toLowerCase() === 'identity'
    ? null
    : new Problem(
        415,
        'unsupported_media_type',
        'No Content-Encoding is read here. Send the body as it is.',
        { headers: { 'accept-encoding': 'identity' } },
      )

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
