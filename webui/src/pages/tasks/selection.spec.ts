import { describe, expect, it } from 'vitest'
import { boxState, countOf, EVERYTHING, isSelected, MOST_SELECTED, NOTHING, toggled, withAll } from './selection'

const chosen = (selection: { ids: ReadonlySet<string> }) => [...selection.ids]

describe('a selection', () => {
  it('takes one in and out', () => {
    const one = toggled(NOTHING, 'a', [])

    expect([isSelected(one, 'a'), countOf(one, 9)]).toEqual([true, 1])
    expect(chosen(toggled(one, 'a', []))).toEqual([])
  })

  it('means all that match until one is taken out, then the others that are known', () => {
    expect([isSelected(EVERYTHING, 'whatever'), countOf(EVERYTHING, 10_000)]).toEqual([true, 10_000])
    expect(chosen(toggled(EVERYTHING, 'b', ['a', 'b', 'c']))).toEqual(['a', 'c'])
  })

  it('takes in no more than one request may name', () => {
    const many = Array.from({ length: MOST_SELECTED + 5 }, (_, index) => `t${index}`)
    const full = withAll(NOTHING, many)

    expect(full.ids.size).toBe(MOST_SELECTED)
    expect(toggled(full, 'one more', [])).toBe(full)
    expect(withAll(full, many, false).ids.size).toBe(0)
  })

  it('tells the box above the rows how much of them it holds', () => {
    const known = ['a', 'b']

    expect(boxState(NOTHING, known)).toBe('none')
    expect(boxState(toggled(NOTHING, 'a', known), known)).toBe('some')
    expect(boxState(withAll(NOTHING, known), known)).toBe('all')
    expect(boxState(EVERYTHING, known)).toBe('all')
  })
})
