import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

type Group = { [key: string]: string | Group }

const FOLDER = join(import.meta.dirname, 'locales')
const names = readdirSync(FOLDER).flatMap((language) => readdirSync(join(FOLDER, language)).map((file) => `${language}/${file.replace('.json', '')}`))
const texts = new Map(names.map((name) => [name, flatten(JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf-8')) as Group)]))
const others = [...texts].filter(([name]) => !name.startsWith('en/'))

describe('every language', () => {
  it('is there to be compared', () => expect(others.length).toBeGreaterThan(0))

  it.each([...new Set(others.map(([name]) => name.split('/')[0]!))])('%s speaks of every area', (language) => {
    expect(areasOf(language)).toEqual(areasOf('en'))
  })

  it.each(others.map(([name]) => name))('%s has the keys of the English text', (name) => {
    expect(keysOf(name)).toEqual(keysOf(englishOf(name)))
  })

  it.each(others.map(([name]) => name))('%s has the placeholders and the plural forms of the English text', (name) => {
    const english = texts.get(englishOf(name))
    const wrong = [...texts.get(name)!].filter(([key, text]) => shapeOf(text) !== shapeOf(english?.get(key) ?? ''))
    expect(wrong).toEqual([])
  })

  it.each([...texts.keys()])('%s has no empty text', (name) => {
    expect([...texts.get(name)!].filter(([, text]) => text.trim() === '')).toEqual([])
  })
})

const areasOf = (language: string) => names.filter((name) => name.startsWith(`${language}/`)).map((name) => name.slice(language.length + 1)).sort()
const englishOf = (name: string) => name.replace(/^[^/]+/, 'en')

function keysOf(name: string): string[] {
  return [...(texts.get(name)?.keys() ?? [])].sort()
}

/** What a text is filled with and how many forms it has: "{n} day | {n} days" is "2 forms with n". */
function shapeOf(text: string): string {
  const names = new Set(text.match(/\{(\w+)\}/g) ?? [])
  return `${text.split(' | ').length} forms with ${[...names].sort().join(' ')}`
}

function flatten(group: Group, before = ''): Map<string, string> {
  return new Map(
    Object.entries(group).flatMap(([key, value]) => (typeof value === 'string' ? [[`${before}${key}`, value] as const] : [...flatten(value, `${before}${key}.`)])),
  )
}
