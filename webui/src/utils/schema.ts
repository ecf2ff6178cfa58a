/**
 * What a JSON Schema (2020-12, as pydantic writes it) asks a form to show. Pure. Whatever is not understood becomes a JSON
 * field for that part alone, so every payload can be edited.
 */

export type JsonObject = Record<string, unknown>
export type Schema = JsonObject

export type Widget =
  | { kind: 'text'; input: 'text' | 'email' | 'url' | 'date' | 'datetime' | 'time' | 'password'; multiline: boolean }
  | { kind: 'number'; whole: boolean; min?: number; max?: number }
  | { kind: 'switch' }
  | { kind: 'choice'; options: unknown[] }
  | { kind: 'object'; fields: Field[] }
  | { kind: 'list'; items: Schema }
  | { kind: 'variants'; variants: Variant[]; discriminator: string | null }
  | { kind: 'json' }

export interface Field {
  key: string
  label: string
  help: string
  required: boolean
  /** The schema with references followed and `| null` taken off. */
  schema: Schema
  nullable: boolean
  default: unknown
  examples: unknown[]
}

export interface Variant {
  /** What the author calls it; else the value that marks it; else its JSON type. */
  label: string
  schema: Schema
  /** The value of the discriminator that means this variant. */
  tag: unknown
}

const DEEPEST = 12

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Follows `$ref` within the document; keys beside the reference win, as pydantic uses them for titles and defaults. */
export function resolve(schema: Schema, root: Schema, depth = 0): Schema {
  const reference = schema.$ref
  if (typeof reference !== 'string' || depth > DEEPEST) {
    const all = schema.allOf
    if (Array.isArray(all) && all.length === 1 && isObject(all[0])) {
      const { allOf: _, ...beside } = schema
      return { ...resolve(all[0], root, depth + 1), ...beside }
    }
    return schema
  }
  if (!reference.startsWith('#/')) return {}
  let found: unknown = root
  for (const step of reference.slice(2).split('/')) {
    found = isObject(found) ? found[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')] : undefined
  }
  const { $ref: _, ...beside } = schema
  return isObject(found) ? { ...resolve(found, root, depth + 1), ...beside } : {}
}

/** Takes `| null` off a schema. */
export function withoutNull(schema: Schema, root: Schema): { schema: Schema; nullable: boolean } {
  const resolved = resolve(schema, root)
  const options = resolved.anyOf ?? resolved.oneOf
  if (Array.isArray(options)) {
    const real = options.filter((option) => isObject(option) && option.type !== 'null') as Schema[]
    if (real.length > 0 && real.length < options.length) {
      const { anyOf: _a, oneOf: _o, ...beside } = resolved
      return { schema: real.length === 1 ? { ...resolve(real[0]!, root), ...beside } : { ...beside, anyOf: real }, nullable: true }
    }
  }
  if (Array.isArray(resolved.type) && resolved.type.includes('null')) {
    const types = resolved.type.filter((type) => type !== 'null')
    return { schema: { ...resolved, type: types.length === 1 ? types[0] : types }, nullable: true }
  }
  return { schema: resolved, nullable: false }
}

/** The fields of an object schema, in its order. */
export function fieldsOf(schema: Schema, root: Schema): Field[] {
  const properties = isObject(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required) ? schema.required : []
  return Object.entries(properties).map(([key, raw]) => {
    const written = isObject(raw) ? raw : {}
    const { schema: own, nullable } = withoutNull(written, root)
    return {
      key,
      // A title behind a reference names the model, not this field: two fields may have the same model.
      label: typeof written.title === 'string' && written.title !== '' ? written.title : humanise(key),
      help: typeof own.description === 'string' ? own.description : '',
      required: required.includes(key),
      schema: own,
      nullable,
      default: own.default,
      examples: Array.isArray(own.examples) ? own.examples : [],
    }
  })
}

/** How a value of this schema is edited. */
export function widgetOf(schema: Schema, root: Schema): Widget {
  if ('const' in schema) return { kind: 'choice', options: [schema.const] }
  if (Array.isArray(schema.enum)) return { kind: 'choice', options: schema.enum }
  const union = schema.oneOf ?? schema.anyOf
  if (Array.isArray(union)) return variantsOf(union, schema, root)
  switch (schema.type) {
    case 'string':
      return textWidget(schema)
    case 'integer':
    case 'number':
      return { kind: 'number', whole: schema.type === 'integer', ...bounds(schema) }
    case 'boolean':
      return { kind: 'switch' }
    case 'object':
      return isObject(schema.properties) ? { kind: 'object', fields: fieldsOf(schema, root) } : { kind: 'json' }
    case 'array':
      return isObject(schema.items) ? { kind: 'list', items: withoutNull(schema.items, root).schema } : { kind: 'json' }
    default:
      return { kind: 'json' }
  }
}

/** What a new item of a list, or a chosen variant, starts with: only what must be there. */
export function blankOf(schema: Schema, root: Schema): unknown {
  if ('default' in schema) return schema.default
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  switch (schema.type) {
    case 'string':
      return ''
    case 'boolean':
      return false
    case 'object':
      return Object.fromEntries(
        fieldsOf(schema, root)
          .filter((field) => field.required && 'const' in field.schema)
          .map((field) => [field.key, field.schema.const]),
      )
    case 'array':
      return []
    default:
      return null
  }
}

/** Keys of `value` that the schema does not name: a form keeps them though it does not show them. */
export function unknownKeys(value: JsonObject, fields: readonly Field[]): string[] {
  const known = new Set(fields.map((field) => field.key))
  return Object.keys(value).filter((key) => !known.has(key))
}

/** The variant that a value is of; -1 when none fits. */
export function variantIndex(value: unknown, widget: Extract<Widget, { kind: 'variants' }>): number {
  const { discriminator, variants } = widget
  if (discriminator !== null && isObject(value)) return variants.findIndex((variant) => variant.tag === value[discriminator])
  return variants.findIndex(({ schema }) => fitsType(value, schema))
}

/** `max_rows` becomes "Max rows". */
export function humanise(key: string): string {
  const words = key.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/[_-]+/g, ' ').trim().toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** How a text of a format is written. */
export const FORMAT_EXAMPLES: Readonly<Partial<Record<string, string>>> = {
  'date-time': '2026-01-31T08:00:00Z',
  date: '2026-01-31',
  time: '08:00:00',
  duration: 'PT5M',
  email: 'someone@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
}

const INPUTS: Partial<Record<string, Extract<Widget, { kind: 'text' }>['input']>> = {
  email: 'email',
  uri: 'url',
  date: 'date',
  'date-time': 'datetime',
  time: 'time',
  password: 'password',
}

function textWidget(schema: Schema): Widget {
  const input = INPUTS[String(schema.format)] ?? 'text'
  const multiline = schema.format === 'multiline' || typeof schema.contentMediaType === 'string' || Number(schema.maxLength) > 200
  return { kind: 'text', input, multiline: input === 'text' && multiline }
}

function bounds(schema: Schema): { min?: number; max?: number } {
  const step = schema.type === 'integer' ? 1 : 0
  const found: { min?: number; max?: number } = {}
  if (typeof schema.minimum === 'number') found.min = schema.minimum
  else if (typeof schema.exclusiveMinimum === 'number') found.min = schema.exclusiveMinimum + step
  if (typeof schema.maximum === 'number') found.max = schema.maximum
  else if (typeof schema.exclusiveMaximum === 'number') found.max = schema.exclusiveMaximum - step
  return found
}

function variantsOf(union: unknown[], schema: Schema, root: Schema): Widget {
  const options = union.filter(isObject).map((option) => resolve(option, root))
  if (options.length !== union.length || options.length === 0) return { kind: 'json' }
  const named = isObject(schema.discriminator) ? schema.discriminator.propertyName : undefined
  const discriminator = typeof named === 'string' ? named : null
  const variants = options.map((option) => {
    const properties = isObject(option.properties) ? option.properties : {}
    const tagSchema = discriminator === null ? undefined : properties[discriminator]
    const tag = isObject(tagSchema) ? (tagSchema.const ?? (tagSchema.enum as unknown[] | undefined)?.[0]) : undefined
    const label = [option.title, tag, option.const, option.format, option.type].find((name) => typeof name === 'string') ?? ''
    return { label, schema: option, tag }
  })
  return variants.every((variant) => variant.label !== '') ? { kind: 'variants', variants, discriminator } : { kind: 'json' }
}

function fitsType(value: unknown, schema: Schema): boolean {
  if ('const' in schema) return value === schema.const
  if (Array.isArray(schema.enum)) return schema.enum.includes(value)
  switch (schema.type) {
    case 'string':
    case 'boolean':
      return typeof value === schema.type
    case 'integer':
      return Number.isInteger(value)
    case 'number':
      return typeof value === 'number'
    case 'array':
      return Array.isArray(value)
    case 'object': {
      if (!isObject(value)) return false
      const required = Array.isArray(schema.required) ? schema.required : []
      return required.every((key) => String(key) in value)
    }
    default:
      return false
  }
}
