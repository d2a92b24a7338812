import { Ajv, type AnySchemaObject, type ErrorObject, type ValidateFunction } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'
import { type FieldError, Problem } from './problem.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** PostgreSQL stores no NUL, and half a surrogate pair is no text. */
const isStorableText = (text: string) => text.isWellFormed() && !text.includes('\0')

/** Of a text field that is stored. The format is ours and says all of it; the pattern is what others can know of it. */
export const storableText = { format: 'text', pattern: '^[^\\u0000]*$' }
/** Of an Idempotency-Key. */
export const visibleText = {
  pattern: '^[\\x21-\\x7e]{1,255}$',
  description: '1 to 255 visible ASCII characters',
}
const notStorable = 'must be text without NUL and unpaired surrogates'

// Verbose: what is wrong with a number is told from it and from its bounds.
const ajv = new Ajv({ allErrors: true, strict: false, useDefaults: true, verbose: true })
ajv.addFormat('uuid', uuid)
ajv.addFormat('text', isStorableText)
// Ajv divides in floating point; money needs the decimal digits counted.
ajv.removeKeyword('multipleOf')
ajv.addKeyword({
  keyword: 'multipleOf',
  type: 'number',
  schemaType: 'number',
  validate: (step: number, value: number) => fractionDigits(value) <= fractionDigits(step),
})

function fractionDigits(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  return Math.max(0, (mantissa.split('.')[1] ?? '').length - Number(exponent))
}

type ObjectSchema = { properties?: Record<string, { type?: string }> }

/**
 * Compiles the schema of one part of a request. Bodies are taken as they are: "10" is no number. Path, query
 * and headers only have strings, so there a canonical decimal is read as the number that the schema asks for.
 */
export const compileValidator: FastifySchemaCompiler<ObjectSchema> = ({ schema, httpPart }) =>
  compile(schema, httpPart)

/** The same for what is not checked by a route: throws what such a route would tell. */
export function checkFor(schema: ObjectSchema, httpPart: 'body' | 'headers'): (data: unknown) => void {
  const validate = compile(schema, httpPart)
  return data => {
    const { error } = validate(data)
    if (error) throw error
  }
}

function compile(schema: ObjectSchema, httpPart: string | undefined) {
  const validate = ajv.compile(schema)
  const numeric =
    httpPart === 'body'
      ? []
      : Object.entries(schema.properties ?? {}).filter(
          ([, { type }]) => type === 'integer' || type === 'number',
        )
  return (data: unknown): { value?: unknown; error?: Problem } => {
    for (const [name, { type }] of numeric)
      readNumber(data as Record<string, unknown>, name, type === 'integer')
    return validate(data) ? { value: data } : { error: refusal(validate, httpPart) }
  }
}

const canonicalInteger = /^-?(0|[1-9]\d{0,15})$/
/** As many fraction digits as JavaScript writes of a number from 0.1 on. */
const canonicalNumber = /^-?(0|[1-9]\d{0,15})(\.\d{1,17})?$/

function readNumber(data: Record<string, unknown>, name: string, isInteger: boolean): void {
  const given = data[name]
  const form = isInteger ? canonicalInteger : canonicalNumber
  if (typeof given === 'string' && form.test(given)) data[name] = Number(given)
}

const nameOf: Record<string, string> = { querystring: 'query', params: 'path', headers: 'header' }

/** A body of unknown fields would be answered with twelve times its length, and what is told of all in one lot at once. */
const errorsMax = 20

function refusal(validate: ValidateFunction, httpPart = 'body'): Problem {
  const part = nameOf[httpPart] ?? httpPart
  // `not: {const: 0}` and friends also report their inner keyword; one mistake is told once per field.
  const byField = new Map<string, FieldError>()
  for (const error of validate.errors ?? []) {
    const field = fieldOf(error)
    if (!byField.has(field)) byField.set(field, { in: part, field, detail: explain(error) })
  }
  const errors = [...byField.values()].slice(0, errorsMax)
  const mistakes = errors.map(({ field, detail }) => (field ? `${field} ${detail}` : `The ${part} ${detail}`))
  if (byField.size > errorsMax) mistakes.push(`and ${byField.size - errorsMax} more`)
  return new Problem(400, 'invalid_request', `${mistakes.join('; ')}.`, { errors })
}

function fieldOf({ instancePath, params, keyword }: ErrorObject): string {
  const path = instancePath.slice(1).replaceAll('/', '.')
  const child =
    keyword === 'required'
      ? params.missingProperty
      : keyword === 'additionalProperties'
        ? params.additionalProperty
        : ''
  return [path, child].filter(Boolean).join('.').slice(0, 100)
}

const wholeNumber = 'must be a whole number'
const twoFractionDigits = 'must have at most two fraction digits'
const atLeast = (limit: number) => `must be at least ${limit}`
const atMost = (limit: number) => `must be at most ${limit}`
const wordsOf: Record<'type' | 'pattern', Record<string, string>> = {
  type: {
    string: 'must be text',
    number: 'must be a number',
    integer: wholeNumber,
    object: 'must be a JSON object',
    array: 'must be a list',
    boolean: 'must be true or false',
  },
  pattern: {
    [storableText.pattern]: notStorable,
    [visibleText.pattern]: `must be ${visibleText.description}`,
    '\\S': 'must not be blank',
  },
}

function explain(error: ErrorObject): string {
  const { keyword, params, data, schema, parentSchema = {}, message = 'is not valid' } = error
  switch (keyword) {
    case 'type':
      return typeof data === 'symbol' && (params.type === 'number' || params.type === 'integer')
        ? explainInexact(Number(data.description), parentSchema)
        : (wordsOf.type[params.type] ?? message)
    case 'minLength':
      return params.limit === 1 ? 'must not be empty' : `must have at least ${params.limit} characters`
    case 'maxLength':
      return `must have at most ${params.limit} characters`
    case 'minimum':
      return atLeast(params.limit)
    case 'maximum':
      return atMost(params.limit)
    case 'required':
      return 'is missing'
    case 'additionalProperties':
      return 'is not a field of this call'
    case 'multipleOf':
      return twoFractionDigits
    case 'pattern':
      return wordsOf.pattern[params.pattern] ?? 'is not of the form that is asked for'
    case 'not':
      return 'must not be 0'
    case 'const':
    case 'enum':
      return `must be one of ${(params.allowedValues ?? [params.allowedValue ?? schema]).join(', ')}`
    case 'format':
      return params.format === 'uuid' ? 'must be a UUID' : notStorable
    default:
      return message
  }
}

/** Of a number as parseJsonExactly leaves it where no double carries it: all that are within these bounds have too many digits. */
function explainInexact(value: number, { type, minimum, maximum }: AnySchemaObject): string {
  if (value < minimum) return atLeast(minimum)
  if (value > maximum) return atMost(maximum)
  return type === 'integer' ? wholeNumber : twoFractionDigits
}
