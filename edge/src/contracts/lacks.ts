/** The part of JSON Schema that our schemas use. */
export type Schema = {
  $ref?: string
  type?: string | string[]
  enum?: readonly unknown[]
  const?: unknown
  anyOf?: Schema[]
  format?: string
  pattern?: string
  multipleOf?: number
  minimum?: number
  maximum?: number
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  required?: readonly string[]
  additionalProperties?: boolean | Schema
  items?: Schema
}
type Resolve = (ref: string) => Schema

const unresolved: Resolve = ref => {
  throw new Error(`${ref} cannot be followed here`)
}

/**
 * What `needed` asks for and `given` does not promise: empty where every value that fits `given` fits `needed`, too.
 * Errs on the side of telling. `resolve` follows references in `given`. Pure.
 */
export function lacks(given: Schema, needed: Schema, resolve = unresolved, path = 'it'): string[] {
  if (given.$ref !== undefined) return lacks(resolve(given.$ref), needed, resolve, path)
  if (given.anyOf) return given.anyOf.flatMap(each => lacks(each, needed, resolve, path))
  if (needed.anyOf) {
    const each = needed.anyOf.map(option => lacks(given, option, resolve, path))
    return each.some(({ length }) => length === 0) ? [] : (each[0] ?? [])
  }
  return [
    ...lacksType(given, needed, path),
    ...lacksBounds(given, needed, path),
    ...(needed.properties || needed.required ? lacksFields(given, needed, resolve, path) : []),
    ...(needed.items ? lacks(given.items ?? {}, needed.items, resolve, `${path}[]`) : []),
    ...lacksEntries(given, needed, resolve, path),
  ]
}

const typesOf = ({ type = [] }: Schema) => (Array.isArray(type) ? type : [type])
const valuesOf = (schema: Schema) => ('const' in schema ? [schema.const] : schema.enum)

function lacksType(given: Schema, needed: Schema, path: string): string[] {
  const allowed = typesOf(needed)
  const values = valuesOf(needed)
  const types = typesOf(given).length > 0 ? typesOf(given) : (valuesOf(given) ?? [undefined]).map(typeOf)
  const wrong = types.filter(
    type => !allowed.includes(String(type)) && !(type === 'integer' && allowed.includes('number')),
  )
  if (allowed.length > 0 && wrong.length > 0)
    return [`${path} may be ${wrong[0] ?? 'anything'}, and must be ${allowed.join(' or ')}`]
  const surplus = values && (valuesOf(given) ?? ['anything']).filter(value => !values.includes(value))
  return surplus && surplus.length > 0
    ? [`${path} may be ${surplus.join(', ')}, and must be one of ${values.join(', ')}`]
    : []
}

const typeOf = (value: unknown) => (value === null ? 'null' : value === undefined ? undefined : typeof value)

function lacksBounds(given: Schema, needed: Schema, path: string): string[] {
  const same = (['format', 'pattern', 'multipleOf'] as const).filter(
    keyword => needed[keyword] !== undefined && given[keyword] !== needed[keyword],
  )
  return [
    ...same.map(
      keyword => `${path} has ${keyword} ${given[keyword] ?? 'none'}, and must have ${needed[keyword]}`,
    ),
    ...(needed.minimum !== undefined && !((given.minimum ?? Number.NEGATIVE_INFINITY) >= needed.minimum)
      ? [`${path} may be less than ${needed.minimum}`]
      : []),
    ...(needed.maximum !== undefined && !((given.maximum ?? Number.POSITIVE_INFINITY) <= needed.maximum)
      ? [`${path} may be more than ${needed.maximum}`]
      : []),
  ]
}

function lacksFields(given: Schema, needed: Schema, resolve: Resolve, path: string): string[] {
  const fields = given.properties ?? {}
  const missing = (needed.required ?? []).filter(name => !fields[name] || !given.required?.includes(name))
  const unknown =
    needed.additionalProperties === false
      ? Object.keys(fields).filter(name => !(name in (needed.properties ?? {})))
      : []
  return [
    ...missing.map(name => `${path}.${name} ${fields[name] ? 'may be left out' : 'is missing'}`),
    ...unknown.map(name => `${path}.${name} is not taken`),
    ...Object.entries(needed.properties ?? {}).flatMap(([name, field]) =>
      fields[name] ? lacks(fields[name], field, resolve, `${path}.${name}`) : [],
    ),
  ]
}

/** Of an object used as a map. */
function lacksEntries(given: Schema, needed: Schema, resolve: Resolve, path: string): string[] {
  const entry = ({ patternProperties, additionalProperties }: Schema) =>
    Object.values(patternProperties ?? {})[0] ??
    (typeof additionalProperties === 'object' ? additionalProperties : undefined)
  const wanted = entry(needed)
  return wanted ? lacks(entry(given) ?? {}, wanted, resolve, `${path}.*`) : []
}
