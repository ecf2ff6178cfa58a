import { fieldsOf, FORMAT_EXAMPLES, isObject, resolve, withoutNull, type JsonObject, type Schema } from '@/utils/schema'

/** Says a message by its key with what it names, as vue-i18n's `t`. */
type Say = (key: string, named: Record<string, unknown>) => string

/** One line of a payload's documentation. */
export interface FieldDoc {
  /** Dotted, as in error messages: `filter.region`. */
  path: string
  depth: number
  type: string
  /** Bounds in words. */
  bounds: string[]
  required: boolean
  /** As JSON; null when there is none. */
  default: string | null
  help: string
}

const DEEPEST = 4

/** The fields of a payload in their order, those of nested objects beneath theirs. */
export function describeFields(schema: Schema, say: Say): FieldDoc[] {
  const docs: FieldDoc[] = []
  const walk = (object: Schema, prefix: string, depth: number, variant = '') => {
    for (const field of fieldsOf(object, schema)) {
      // What marks a variant says no more than its name.
      if (variant && 'const' in field.schema) continue
      const path = `${prefix}${field.key}`
      docs.push({
        path,
        depth,
        type: typeText(field.schema, schema, say, field.nullable),
        bounds: [...(variant ? [say('functions.payload.variant', { name: variant })] : []), ...boundsText(field.schema, say)],
        required: field.required,
        default: field.schema.default !== undefined && field.schema.default !== null ? JSON.stringify(field.schema.default) : null,
        help: field.help,
      })
      for (const option of optionsOf(field.schema, schema)) {
        if (depth < DEEPEST && isObject(option.properties)) walk(option, `${path}.`, depth + 1, titleOf(option))
      }
      const items = isObject(field.schema.items) ? withoutNull(field.schema.items, schema).schema : null
      if (depth >= DEEPEST) continue
      if (isObject(field.schema.properties)) walk(field.schema, `${path}.`, depth + 1)
      else if (items && isObject(items.properties)) walk(items, `${path}[].`, depth + 1)
    }
  }
  walk(resolve(schema, schema), '', 0)
  return docs
}

/** A payload that would be taken: given examples and defaults first, else the plainest value of each type. */
export function examplePayload(schema: Schema): JsonObject {
  const example = exampleOf(resolve(schema, schema), schema, 0)
  return isObject(example) ? example : {}
}

function exampleOf(schema: Schema, root: Schema, depth: number): unknown {
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0]
  if ('default' in schema) return schema.default
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const union = schema.oneOf ?? schema.anyOf
  if (Array.isArray(union) && isObject(union[0]) && depth < DEEPEST) return exampleOf(resolve(union[0], root), root, depth + 1)
  switch (schema.type) {
    case 'string':
      return exampleText(schema)
    case 'integer':
    case 'number':
      return exampleNumber(schema)
    case 'boolean':
      return false
    case 'array': {
      const items = isObject(schema.items) && depth < DEEPEST ? exampleOf(withoutNull(schema.items, root).schema, root, depth + 1) : null
      return Number(schema.minItems) > 0 ? Array.from({ length: Number(schema.minItems) }, () => items) : []
    }
    case 'object':
      return depth > DEEPEST ? {} : Object.fromEntries(fieldsOf(schema, root).map((field) => [field.key, exampleOf(field.schema, root, depth + 1)]))
    default:
      return null
  }
}

function exampleText(schema: Schema): string {
  const known = typeof schema.format === 'string' ? FORMAT_EXAMPLES[schema.format] : undefined
  return known ?? 'x'.repeat(Math.min(Number(schema.minLength) || 0, 50))
}

function exampleNumber(schema: Schema): number {
  const step = schema.type === 'integer' ? 1 : 0.5
  if (typeof schema.minimum === 'number') return schema.minimum
  if (typeof schema.exclusiveMinimum === 'number') return schema.exclusiveMinimum + step
  if (typeof schema.maximum === 'number') return Math.min(0, schema.maximum)
  return 0
}

/** The objects that a value may be one of, when there are several. */
function optionsOf(schema: Schema, root: Schema): Schema[] {
  const union = schema.oneOf ?? schema.anyOf
  return Array.isArray(union) ? union.filter(isObject).map((option) => resolve(option, root)) : []
}

function titleOf(schema: Schema): string {
  return typeof schema.title === 'string' ? schema.title : ''
}

function typeText(schema: Schema, root: Schema, say: Say, nullable: boolean): string {
  const plain = plainType(schema, root, say)
  return nullable ? say('functions.type.or', { a: plain, b: say('functions.type.null', {}) }) : plain
}

function plainType(schema: Schema, root: Schema, say: Say): string {
  const listed = 'const' in schema ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : null
  if (listed) return say('functions.type.oneOf', { values: listed.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(', ') })
  const union = schema.oneOf ?? schema.anyOf
  if (Array.isArray(union)) {
    const kinds = optionsOf(schema, root).map((option) => (option.type === 'object' && titleOf(option)) || plainType(option, root, say))
    return kinds.reduce((a, b) => say('functions.type.or', { a, b }))
  }
  if (schema.type === 'array') {
    return isObject(schema.items) ? say('functions.type.listOf', { item: plainType(withoutNull(schema.items, root).schema, root, say) }) : say('functions.type.array', {})
  }
  if (schema.writeOnly === true) return say('functions.type.secret', {})
  const known = ['string', 'integer', 'number', 'boolean', 'object', 'null']
  const type = typeof schema.type === 'string' && known.includes(schema.type) ? schema.type : 'any'
  return say(`functions.type.${type}`, {})
}

const BOUNDS: readonly (readonly [keyword: string, message: string, name: string])[] = [
  ['minimum', 'minimum', 'n'],
  ['exclusiveMinimum', 'above', 'n'],
  ['maximum', 'maximum', 'n'],
  ['exclusiveMaximum', 'below', 'n'],
  ['multipleOf', 'multipleOf', 'n'],
  ['minLength', 'minLength', 'n'],
  ['maxLength', 'maxLength', 'n'],
  ['minItems', 'minItems', 'n'],
  ['maxItems', 'maxItems', 'n'],
  ['pattern', 'pattern', 'pattern'],
  ['format', 'format', 'format'],
]

function boundsText(schema: Schema, say: Say): string[] {
  return BOUNDS.flatMap(([keyword, message, name]) => {
    const bound = schema[keyword]
    // That a secret is typed as a password is nothing to tell.
    if (keyword === 'format' && bound === 'password') return []
    return typeof bound === 'number' || typeof bound === 'string' ? [say(`functions.bound.${message}`, { [name]: bound })] : []
  })
}
