import { describe, expect, it } from 'vitest'
import { blankOf, fieldsOf, humanise, resolve, unknownKeys, variantIndex, widgetOf, withoutNull, type Schema } from './schema'

const root: Schema = {
  type: 'object',
  required: ['region'],
  properties: {
    region: { type: 'string', title: 'Region', description: 'Sales region' },
    max_rows: { anyOf: [{ type: 'integer', exclusiveMinimum: 0, maximum: 90 }, { type: 'null' }], default: null },
    smtp: { $ref: '#/$defs/Smtp', description: 'beside' },
    target: {
      oneOf: [{ $ref: '#/$defs/File' }, { $ref: '#/$defs/Bucket' }],
      discriminator: { propertyName: 'kind', mapping: {} },
    },
  },
  $defs: {
    Smtp: { type: 'object', title: 'Smtp', description: 'inside', properties: { host: { type: 'string' } } },
    File: { type: 'object', title: 'File', required: ['kind'], properties: { kind: { const: 'file' }, path: { type: 'string' } } },
    Bucket: { type: 'object', title: 'Bucket', required: ['kind'], properties: { kind: { const: 'bucket' } } },
  },
}
const fields = fieldsOf(root, root)
const field = (key: string) => fields.find((each) => each.key === key)!

describe('fieldsOf', () => {
  it('keeps the order, and knows what is required', () => {
    expect(fields.map((each) => [each.key, each.label, each.required])).toEqual([
      ['region', 'Region', true],
      ['max_rows', 'Max rows', false],
      ['smtp', 'Smtp', false],
      ['target', 'Target', false],
    ])
  })

  it('text beside a reference wins over that inside', () => expect(field('smtp').help).toBe('beside'))
  it('takes null off and remembers it', () => expect(field('max_rows').nullable).toBe(true))
})

describe('widgetOf', () => {
  it.each<[Schema, object]>([
    [{ type: 'string' }, { kind: 'text', input: 'text', multiline: false }],
    [{ type: 'string', format: 'uri', maxLength: 2083 }, { kind: 'text', input: 'url', multiline: false }],
    [{ type: 'string', maxLength: 5000 }, { kind: 'text', input: 'text', multiline: true }],
    [{ type: 'number', minimum: 0.5 }, { kind: 'number', whole: false, min: 0.5 }],
    [{ type: 'boolean' }, { kind: 'switch' }],
    [{ enum: ['a', 2] }, { kind: 'choice', options: ['a', 2] }],
    [{ const: 1 }, { kind: 'choice', options: [1] }],
    [{ type: 'object', additionalProperties: true }, { kind: 'json' }],
    [{ type: 'array', items: { type: 'string' } }, { kind: 'list', items: { type: 'string' } }],
    [{}, { kind: 'json' }],
  ])('%j', (schema, widget) => expect(widgetOf(schema, root)).toEqual(widget))

  it('reads exclusive bounds of whole numbers', () => {
    expect(widgetOf(field('max_rows').schema, root)).toEqual({ kind: 'number', whole: true, min: 1, max: 90 })
  })

  it('tells variants apart by their discriminator', () => {
    const widget = widgetOf(field('target').schema, root)
    if (widget.kind !== 'variants') throw new Error(widget.kind)
    expect(widget.variants.map((variant) => [variant.label, variant.tag])).toEqual([['File', 'file'], ['Bucket', 'bucket']])
    expect(variantIndex({ kind: 'bucket' }, widget)).toBe(1)
    expect(variantIndex({}, widget)).toBe(-1)
  })
})

describe('references', () => {
  it('one that leads nowhere is an empty schema', () => expect(resolve({ $ref: '#/$defs/None' }, root)).toEqual({}))
  it('one that leads to itself ends', () => {
    const loop: Schema = { $defs: { A: { $ref: '#/$defs/A' } } }
    expect(resolve({ $ref: '#/$defs/A' }, loop)).toBeTypeOf('object')
  })
  it('reads type lists with null', () => expect(withoutNull({ type: ['string', 'null'] }, root)).toEqual({ schema: { type: 'string' }, nullable: true }))
})

it('blankOf starts a variant with its tag', () => expect(blankOf(resolve({ $ref: '#/$defs/File' }, root), root)).toEqual({ kind: 'file' }))
it('unknownKeys are those the schema does not name', () => expect(unknownKeys({ region: 1, x: 2 }, fields)).toEqual(['x']))
it.each([['maxRows', 'Max rows'], ['max_rows', 'Max rows'], ['url', 'Url']])('humanise %s', (key, text) => expect(humanise(key)).toBe(text))
