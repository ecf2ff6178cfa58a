import { describe, expect, it } from 'vitest'
import { markMatches, parseAnsi, plainText } from './ansi'

const red = (text: string) => `\u001b[31m${text}\u001b[0m`

describe('parseAnsi', () => {
  it('leaves plain text whole', () => {
    expect(parseAnsi('a <b> & c')).toEqual([{ text: 'a <b> & c', classes: '' }])
  })

  it('names colours by class and never by style', () => {
    expect(parseAnsi(`go ${red('wrong')} on`)).toEqual([
      { text: 'go ', classes: '' },
      { text: 'wrong', classes: 'ansi-red-fg' },
      { text: ' on', classes: '' },
    ])
  })

  it('gives bold and a background', () => {
    expect(parseAnsi('\u001b[1;42mok\u001b[0m')).toEqual([{ text: 'ok', classes: 'ansi-green-bg ansi-bold' }])
  })

  it('brings fine colours down to the nearest named one', () => {
    expect(parseAnsi('\u001b[38;2;250;30;10mx\u001b[0m')[0]?.classes).toBe('ansi-red-fg')
    expect(parseAnsi('\u001b[38;5;21mx\u001b[0m')[0]?.classes).toBe('ansi-blue-fg')
  })

  it('keeps markup as text', () => {
    expect(parseAnsi(red('<img src=x onerror="alert(1)"> &amp;'))).toEqual([{ text: '<img src=x onerror="alert(1)"> &amp;', classes: 'ansi-red-fg' }])
  })

  it('cuts a terminal hyperlink to its text', () => {
    const segments = parseAnsi('see \u001b]8;;javascript:alert(1)\u0007here\u001b]8;;\u0007 now')
    expect(segments.map((segment) => segment.text).join('')).toBe('see here now')
  })

  it('survives an order that the line cut short', () => {
    expect(parseAnsi('half \u001b[3').map((segment) => segment.text).join('')).toContain('half')
  })
})

describe('plainText', () => {
  it('takes every order out', () => {
    expect(plainText(`a${red('b')}\u001b]8;;http://x\u0007c\u001b[2K`)).toBe('abc')
  })
})

describe('markMatches', () => {
  it('marks a match that spans two looks', () => {
    const cut = markMatches(parseAnsi(`pay${red('load')}s`), 'yload')
    expect(cut.map(({ text, match }) => [text, match])).toEqual([['pa', false], ['y', true], ['load', true], ['s', false]])
  })

  it('marks each of several matches', () => {
    const cut = markMatches([{ text: 'aXbxc', classes: '' }], 'x')
    expect(cut.filter(({ match }) => match).map(({ text }) => text)).toEqual(['X', 'x'])
  })

  it('without a match nothing is cut', () => {
    expect(markMatches([{ text: 'abc', classes: 'k' }], 'z')).toEqual([{ text: 'abc', classes: 'k', match: false }])
  })
})
