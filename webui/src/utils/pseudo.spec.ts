import { describe, expect, it } from 'vitest'
import { accent, stretch } from './pseudo'

describe('the pseudo-language', () => {
  it('is accented and two fifths longer', () => expect(accent('Search tasks')).toBe('Šéáŕçĥ ţášķš~~~~~'))
  it('leaves what is no word', () => expect(accent('– 12:00')).toBe('– 12:00'))
  it('keeps the placeholders of compiled texts', () => {
    const compiled = { t: 0, b: { t: 2, i: [{ t: 3, v: 'in ' }, { t: 4, k: 'span' }] } }
    expect(stretch({ time: compiled })).toEqual({ time: { t: 0, b: { t: 2, i: [{ t: 3, v: 'íñ~ ' }, { t: 4, k: 'span' }] } } })
  })
})
