import { describe, expect, it } from 'vitest'
import { describeFields, examplePayload } from './schemaDocs'

const say = (key: string, named: Record<string, unknown>) => [key.replace('functions.', ''), ...Object.values(named)].join(' ')
const schema = {
  type: 'object',
  required: ['region', 'filter'],
  properties: {
    region: { type: 'string', description: 'Sales region', maxLength: 40 },
    days: { type: 'integer', default: 7, minimum: 1, maximum: 90 },
    mode: { enum: ['full', 'delta'] },
    since: { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] },
    filter: { $ref: '#/$defs/Filter' },
    to: { type: 'array', items: { type: 'string', format: 'email' }, minItems: 1 },
  },
  $defs: { Filter: { type: 'object', properties: { shop: { type: 'number', exclusiveMinimum: 0 } } } },
}

describe('describeFields', () => {
  const docs = describeFields(schema, say)
  const doc = (path: string) => docs.find((field) => field.path === path)

  it('goes through all fields in order, nested ones beneath', () => {
    expect(docs.map(({ path }) => path)).toEqual(['region', 'days', 'mode', 'since', 'filter', 'filter.shop', 'to'])
    expect(doc('filter.shop')?.depth).toBe(1)
  })

  it('tells type, bounds, default and need', () => {
    expect(doc('region')).toMatchObject({ type: 'type.string', bounds: ['bound.maxLength 40'], required: true, default: null, help: 'Sales region' })
    expect(doc('days')).toMatchObject({ bounds: ['bound.minimum 1', 'bound.maximum 90'], required: false, default: '7' })
    expect(doc('mode')?.type).toBe('type.oneOf full, delta')
    expect(doc('since')?.type).toBe('type.or type.string type.null')
    expect(doc('to')?.type).toBe('type.listOf type.string')
  })
})

it('describeFields names the kinds a value may be of, and tells which fields are whose', () => {
  const kind = (title: string, key: string) => ({ type: 'object', title, properties: { [key]: { type: 'string' } } })
  const docs = describeFields({ type: 'object', properties: { target: { oneOf: [kind('File', 'path'), kind('Bucket', 'name')] }, token: { type: 'string', format: 'password', writeOnly: true } } }, say)
  expect(docs.map(({ path, type, bounds }) => [path, type, ...bounds])).toEqual([
    ['target', 'type.or File Bucket'],
    ['target.path', 'type.string', 'payload.variant File'],
    ['target.name', 'type.string', 'payload.variant Bucket'],
    ['token', 'type.secret'],
  ])
})

describe('examplePayload', () => {
  it('is a payload that the schema takes', () => {
    expect(examplePayload(schema)).toEqual({ region: '', days: 7, mode: 'full', since: '2026-01-31', filter: { shop: 0.5 }, to: ['someone@example.com'] })
  })

  it('prefers the given example', () => {
    expect(examplePayload({ type: 'object', properties: { n: { type: 'integer', examples: [12], default: 3 } } })).toEqual({ n: 12 })
  })

  it('ends in spite of a schema that holds itself', () => {
    const node = { type: 'object', properties: { next: { $ref: '#' } } }
    expect(() => examplePayload(node)).not.toThrow()
  })

  it('is empty for what is no object', () => expect(examplePayload({})).toEqual({}))
})
