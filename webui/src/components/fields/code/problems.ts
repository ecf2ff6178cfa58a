/** What is wrong with a JSON text by a JSON Schema, and where in the text that is. Pure, but for loading the checker. */
import type { OutputUnit, Validator } from '@cfworker/json-schema'
import { jsonLanguage } from '@codemirror/lang-json'
import type { SyntaxNode } from '@lezer/common'
import { isObject, resolve, type Schema } from '@/utils/schema'

/** One thing to say about a stretch of the text. */
export interface Problem {
  from: number
  to: number
  /** The text cannot be read, or does not fit. */
  kind: 'syntax' | 'schema'
  /** Dotted, as in the server's messages; empty for the whole. */
  path: string
  message: string
}

/** Says a message by its key with what it names, as vue-i18n's `t`. */
type Say = (key: string, named: Record<string, unknown>) => string

/** Stands for a secret that is stored; what it stands for fits. */
const MASK = '********'
const MOST = 50
/** They say only that something beneath is wrong, and that says it better. */
const WRAPPERS = new Set(['properties', 'patternProperties', 'items', 'prefixItems', '$ref', '$dynamicRef', 'allOf', 'if', 'then', 'else', 'dependentSchemas', 'contains', 'additionalProperties', 'unevaluatedProperties'])
const UNIONS = new Set(['anyOf', 'oneOf'])

/** Where the text stops being JSON; null while it is. An empty text is none either. */
export function syntaxProblem(text: string, say: Say): Problem | null {
  try {
    JSON.parse(text)
    return null
  } catch {
    const place = brokenPlace(text)
    const from = Math.min(place, Math.max(0, text.length - 1))
    return { from, to: Math.max(from, Math.min(text.length, place + 1)), kind: 'syntax', path: '', message: say('syntax', lineAndColumn(text, place)) }
  }
}

/** What of a JSON text does not fit the schema, in the order of the text. `schema` null: nothing is asked of it. */
export async function findProblems(text: string, schema: Schema | null, say: Say): Promise<Problem[]> {
  const broken = text.trim() === '' ? null : syntaxProblem(text, say)
  if (broken) return [broken]
  if (!schema || text.trim() === '') return []
  const value: unknown = JSON.parse(text)
  const checker = await import('@cfworker/json-schema')
  const found = check(value, schema, checker.Validator)
    .filter((unit) => valueAt(value, stepsOf(unit.instanceLocation)) !== MASK)
    .map((unit) => {
      const steps = stepsOf(unit.instanceLocation)
      return { ...spanOf(text, steps, unit.keyword === 'false'), kind: 'schema' as const, path: steps.join('.'), message: explain(unit, schema, say) }
    })
  return found.sort((a, b) => a.from - b.from).slice(0, MOST)
}

function check(value: unknown, schema: Schema, Checker: typeof Validator): OutputUnit[] {
  try {
    return leavesOf(new Checker(schema, '2020-12', false).validate(value).errors)
  } catch {
    // A schema that the checker cannot follow says nothing here: the server has the last word.
    return []
  }
}

/** The errors that say what is wrong; of a union those of the one option that was meant, else that none fits. */
function leavesOf(errors: readonly OutputUnit[]): OutputUnit[] {
  const unions = errors.filter(({ keyword }) => UNIONS.has(keyword))
  const dropped = new Set<OutputUnit>()
  for (const union of unions) {
    const under = errors.filter(({ keywordLocation }) => keywordLocation.startsWith(`${union.keywordLocation}/`))
    const meant = meantOption(union, under)
    for (const error of under) if (meant === null || optionOf(error, union) !== meant) dropped.add(error)
    if (meant !== null) dropped.add(union)
  }
  const kept = errors.filter((error) => !dropped.has(error))
  return kept.filter((error) => !WRAPPERS.has(error.keyword))
}

/** The option of a union whose type and marks fit, where it is the only one. */
function meantOption(union: OutputUnit, under: readonly OutputUnit[]): string | null {
  const options = new Set(under.map((error) => optionOf(error, union)))
  const here = union.instanceLocation
  const ruledOut = (error: OutputUnit) => (error.instanceLocation === here && ['type', 'enum', 'const'].includes(error.keyword)) || (error.keyword === 'const' && error.instanceLocation.startsWith(`${here}/`))
  const possible = [...options].filter((option) => !under.some((error) => optionOf(error, union) === option && ruledOut(error)))
  return possible.length === 1 ? possible[0]! : null
}

function optionOf(error: OutputUnit, union: OutputUnit): string {
  return error.keywordLocation.slice(union.keywordLocation.length + 1).split('/', 1)[0] ?? ''
}

const WORDED = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'pattern', 'format', 'multipleOf', 'uniqueItems'])

function explain(unit: OutputUnit, schema: Schema, say: Say): string {
  const limit = asked(schema, unit.keywordLocation)
  if (unit.keyword === 'false') return say('unknownKey', { key: stepsOf(unit.instanceLocation).at(-1) ?? '' })
  if (unit.keyword === 'required') return say('required', { key: /"(.*)"/.exec(unit.error)?.[1] ?? '' })
  if (unit.keyword === 'type') return say('type', { type: [limit].flat().map((type) => say(`typeName.${String(type)}`, {})).join(' / ') })
  if (unit.keyword === 'enum') return say('enum', { values: (Array.isArray(limit) ? limit : []).map((one) => JSON.stringify(one)).join(', ') })
  if (unit.keyword === 'const') return say('const', { value: JSON.stringify(limit) })
  if (UNIONS.has(unit.keyword)) return say('union', {})
  if (WORDED.has(unit.keyword) && limit !== undefined) return say(unit.keyword, { limit })
  return unit.error
}

/** What the keyword at a location of the output asks for: `$ref` is a step of such a location. */
function asked(root: Schema, location: string): unknown {
  let at: unknown = root
  for (const step of stepsOf(location)) {
    if (step === '$ref') at = isObject(at) ? resolve(at, root) : undefined
    else if (Array.isArray(at)) at = at[Number(step)]
    else at = isObject(at) ? at[step] : undefined
  }
  return at
}

/** The steps of a JSON Pointer in the form of a fragment. */
function stepsOf(pointer: string): string[] {
  return pointer.split('/').slice(1).map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
}

function valueAt(value: unknown, steps: readonly string[]): unknown {
  let at = value
  for (const step of steps) at = Array.isArray(at) ? at[Number(step)] : isObject(at) ? at[step] : undefined
  return at
}

/** The stretch of a text that holds the value at `steps`, or its key. */
function spanOf(text: string, steps: readonly string[], key: boolean): { from: number; to: number } {
  let node: SyntaxNode | null = jsonLanguage.parser.parse(text).topNode.firstChild
  let name: SyntaxNode | null = null
  for (const step of steps) {
    if (!node) break
    if (node.name === 'Array') {
      const items = childrenOf(node).filter((child) => /^(Object|Array|String|Number|True|False|Null)$/.test(child.name))
      node = items[Number(step)] ?? null
      continue
    }
    const property: SyntaxNode | undefined = childrenOf(node).findLast((child) => child.name === 'Property' && keyOf(text, child) === step)
    name = property?.firstChild ?? null
    node = property?.lastChild ?? null
  }
  const shown = (key && name) || node
  if (!shown) return { from: 0, to: Math.min(1, text.length) }
  // Of what spans many lines the first character is enough.
  const wide = text.slice(shown.from, shown.to).includes('\n')
  return { from: shown.from, to: wide ? shown.from + 1 : shown.to }
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = []
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child)
  return found
}

function keyOf(text: string, property: SyntaxNode): string | null {
  const name = property.firstChild
  return name?.name === 'PropertyName' ? (JSON.parse(text.slice(name.from, name.to)) as string) : null
}

/** The first place where the grammar has to guess. The browsers' own messages differ, and some name no place. */
function brokenPlace(text: string): number {
  let place = text.trimEnd().length
  let found = false
  jsonLanguage.parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError && !found) {
        place = node.from
        found = true
      }
      return !found
    },
  })
  return place
}

export function lineAndColumn(text: string, place: number): { line: number; column: number } {
  const before = text.slice(0, place).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
