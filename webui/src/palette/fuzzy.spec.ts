import { describe, expect, it } from 'vitest'
import { fuzzyMatch, markPieces } from './fuzzy'

const best = (typed: string, ...texts: string[]) =>
  texts
    .map((text) => ({ text, match: fuzzyMatch(typed, text) }))
    .filter((each) => each.match)
    .sort((a, b) => b.match!.score - a.match!.score)
    .map((each) => each.text)

describe('fuzzyMatch', () => {
  it('finds the start of a word before the middle of one', () => {
    expect(best('rep', 'Unreproducible', 'Sales report')).toEqual(['Sales report', 'Unreproducible'])
  })
  it('prefers the shorter of two texts that fit alike', () => {
    expect(best('tasks', 'Tasks that failed', 'Tasks')).toEqual(['Tasks', 'Tasks that failed'])
  })
  it('finds first letters of words', () => {
    expect(best('mcl', 'maintenance.cleanup-logs', 'Make call', 'Sales report')).toContain('maintenance.cleanup-logs')
  })
  it('takes words in any order', () => {
    expect(fuzzyMatch('report sales', 'Sales report')).not.toBeNull()
  })
  it('does not find letters that are scattered over a text', () => {
    expect(fuzzyMatch('dark', 'Recorded facts are marked')).toBeNull()
  })
  it('knows no case, and letters beyond ASCII', () => {
    expect(fuzzyMatch('ÄRZ', 'Märzbericht')?.places).toEqual([1, 2, 3])
  })
  it('finds everything when nothing was typed', () => {
    expect(fuzzyMatch(' ', 'Tasks')).not.toBeNull()
  })
  it('takes special signs as they are', () => {
    expect(fuzzyMatch('.*', 'Tasks')).toBeNull()
  })
})

describe('markPieces', () => {
  it('joins neighbours', () => {
    expect(markPieces('report', [0, 1, 4])).toEqual([
      { text: 're', hit: true },
      { text: 'po', hit: false },
      { text: 'r', hit: true },
      { text: 't', hit: false },
    ])
  })
})
