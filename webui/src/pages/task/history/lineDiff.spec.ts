import { expect, it } from 'vitest'
import { diffLines, linesOf } from './lineDiff'

const told = (before: unknown, after: unknown) => diffLines(linesOf(before), linesOf(after)).map(({ kind, text }) => `${{ same: ' ', gone: '-', new: '+' }[kind]}${text}`)

it('tells one line for another', () => expect(told('0 5 * * *', '0 6 * * *')).toEqual(['-0 5 * * *', '+0 6 * * *']))

it('keeps the lines that stayed', () => {
  expect(told({ days: 3, region: 'north' }, { days: 7, region: 'north' })).toEqual([' {', '-  "days": 3,', '+  "days": 7,', '   "region": "north"', ' }'])
})

it('has nothing to take away from nothing', () => {
  expect(told(null, ['a'])).toEqual(['+[', '+  "a"', '+]'])
  expect(told(60, null)).toEqual(['-60'])
})

it('replaces a very long text as a whole', () => {
  const long = Array.from({ length: 500 }, (_, n) => `${n}`).join('\n')
  expect(told(long, `${long}\nmore`).filter((line) => line.startsWith('-'))).toHaveLength(500)
})
