import { describe, expect, it } from 'vitest'
import { sparkPaths } from './spark'

describe('sparkPaths', () => {
  it('spreads values over the width, the greatest at the top', () => {
    expect(sparkPaths([0, 5, 10], 20, 11)).toEqual({ line: 'M0 10L10 6L20 2', area: 'M0 11L0 10L10 6L20 2L20 11z' })
  })

  it('lies on the floor when nothing happened', () => {
    expect(sparkPaths([0, 0], 20, 11).line).toBe('M0 10L20 10')
    expect(sparkPaths([], 20, 11)).toEqual({ line: '', area: '' })
  })

  it('breaks where a value is not known, and shows one alone as a dot', () => {
    expect(sparkPaths([10, null, 10, 10], 30, 11).line).toBe('M0 2h0M20 2L30 2')
  })
})
