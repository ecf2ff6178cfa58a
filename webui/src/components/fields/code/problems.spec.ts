import { describe, expect, it } from 'vitest'
import type { Schema } from '@/utils/schema'
import { findProblems } from './problems'

const schema: Schema = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 2 },
    token: { type: 'string', writeOnly: true, pattern: '^k-' },
    days: { anyOf: [{ type: 'integer', maximum: 90 }, { type: 'null' }] },
    level: { enum: ['low', 'high'] },
    mail: { $ref: '#/$defs/Mail' },
    words: { type: 'array', items: { type: 'string' } },
    either: { anyOf: [{ type: 'integer' }, { type: 'array' }] },
    target: { oneOf: [{ $ref: '#/$defs/File' }, { $ref: '#/$defs/Bucket' }], discriminator: { propertyName: 'kind' } },
  },
  $defs: {
    Mail: { type: 'object', required: ['host'], properties: { host: { type: 'string' }, port: { type: 'integer', exclusiveMinimum: 0 } } },
    File: { type: 'object', required: ['kind', 'path'], properties: { kind: { const: 'file' }, path: { type: 'string' } } },
    Bucket: { type: 'object', required: ['kind'], properties: { kind: { const: 'bucket' }, key: { type: 'string' } } },
  },
}
const say = (key: string, named: Record<string, unknown>) => [key, ...Object.values(named)].join(' ')
/** What is said of which stretch of the text. */
const told = async (text: string) => (await findProblems(text, schema, say)).map(({ from, to, message }) => [text.slice(from, to), message])

describe('a text that fits', () => {
  it.each(['{"name": "Ada"}', '{"name": "Ada", "days": null, "either": [1]}', '{"name": "Ada", "token": "********"}', ''])('%s says nothing', async (text) => expect(await told(text)).toEqual([]))
  it('fits whatever there is without a schema', async () => expect(await findProblems('[1, {"a": null}]', null, say)).toEqual([]))
})

it.each([
  ['{"name": "A"}', '"A"', 'minLength 2'],
  ['{"name": 3}', '3', 'type typeName.string'],
  ['{}', '{}', 'required name'],
  ['{"name": "Ada", "nme": 1}', '"nme"', 'unknownKey nme'],
  ['{"name": "Ada", "days": 91}', '91', 'maximum 90'],
  ['{"name": "Ada", "level": "mid"}', '"mid"', 'enum "low", "high"'],
  ['{"name": "Ada", "mail": {"host": "a", "port": 0}}', '0', 'exclusiveMinimum 0'],
  ['{"name": "Ada", "words": ["a", 2]}', '2', 'type typeName.string'],
  ['{"name": "Ada", "either": "x"}', '"x"', 'union'],
  ['{"name": "Ada", "target": {"kind": "file", "path": 2}}', '2', 'type typeName.string'],
  ['{"name": "Ada", "target": {"kind": "other"}}', '{"kind": "other"}', 'union'],
  ['{"name": "Ada", "token": "x"}', '"x"', 'pattern ^k-'],
])('of %s it marks %s: %s', async (text, marked, message) => expect(await told(text)).toEqual([[marked, message]]))

it('tells all of them in the order of the text', async () => {
  expect((await told('{\n  "days": 91,\n  "mail": {\n    "port": 0\n  },\n  "name": ""\n}')).map(([, message]) => message)).toEqual(['maximum 90', 'required host', 'exclusiveMinimum 0', 'minLength 2'])
})

describe('a text that is no JSON', () => {
  it.each([
    ['{"name": "Ada",', 'syntax 1 16'],
    ['{\n  "name" "Ada"\n}', 'syntax 2 10'],
    ['{"name": Ada}', 'syntax 1 10'],
    ['{} {}', 'syntax 1 4'],
  ])('%j says where', async (text, message) => expect((await told(text)).map(([, said]) => said)).toEqual([message]))

  it('in a way that the grammar lets pass is found all the same', async () => expect(await findProblems('{"a": 01}', null, say)).toHaveLength(1))
})
