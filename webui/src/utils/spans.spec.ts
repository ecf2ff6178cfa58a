import { describe, expect, it } from 'vitest'
import { joinSeconds, splitSeconds } from './spans'

describe('splitSeconds', () => {
  it.each([
    [0, 0, 'seconds'],
    [45, 45, 'seconds'],
    [90, 90, 'seconds'],
    [300, 5, 'minutes'],
    [5_400, 90, 'minutes'],
    [86_400, 1, 'days'],
  ] as const)('%i is %i %s', (seconds, amount, unit) => expect(splitSeconds(seconds)).toEqual({ amount, unit }))
})

describe('joinSeconds', () => {
  it.each([
    ['5', 'minutes', '300'],
    ['1.5', 'hours', '5400'],
    ['', 'seconds', ''],
    ['x', 'seconds', 'x'],
    ['0.0001', 'minutes', '0.0001 minutes'],
  ] as const)('“%s” %s is “%s”', (typed, unit, seconds) => expect(joinSeconds(typed, unit)).toBe(seconds))
})
