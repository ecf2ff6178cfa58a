import { describe, expect, it } from 'vitest'
import { instantOf, wallTime } from './zoned'

describe('instantOf', () => {
  it.each([
    ['2026-11-23T09:30', 'UTC', '2026-11-23T09:30:00.000Z'],
    ['2026-11-23T09:30:15', 'Asia/Tokyo', '2026-11-23T00:30:15.000Z'],
    ['2026-07-01T12:00', 'America/New_York', '2026-07-01T16:00:00.000Z'],
    ['2026-03-29T03:30', 'Europe/Helsinki', '2026-03-29T01:30:00.000Z'], // skipped: an hour later
    ['2026-10-25T03:30', 'Europe/Helsinki', '2026-10-25T00:30:00.000Z'], // shown twice: the first
    ['2026-04-05T01:45', 'Australia/Lord_Howe', '2026-04-04T14:45:00.000Z'],
    ['2026-03-29T04:30', 'Europe/Helsinki', '2026-03-29T01:30:00.000Z'],
  ])('%s in %s is %s', (wall, zone, instant) => expect(instantOf(wall, zone)).toBe(instant))

  it.each(['', '2026-11-23', 'soon', '2026-13-45T99:99'])('“%s” is none', (wall) => expect(instantOf(wall, 'UTC')).toBeNull())
})

describe('wallTime', () => {
  it.each([
    ['2026-10-25T00:30:00.000Z', 'Europe/Helsinki', '2026-10-25T03:30'],
    ['2026-10-25T01:30:00.000Z', 'Europe/Helsinki', '2026-10-25T03:30'],
    ['2026-01-01T00:00:00.000Z', 'America/St_Johns', '2025-12-31T20:30'],
  ])('%s in %s shows %s', (instant, zone, wall) => expect(wallTime(instant, zone)).toBe(wall))

  it('leads back to its instant all through a year', () => {
    for (let hour = 0; hour < 8_760; hour += 7) {
      const instant = new Date(Date.UTC(2026, 0, 1, hour)).toISOString()
      const back = instantOf(wallTime(instant, 'Europe/Berlin'), 'Europe/Berlin')!
      expect(wallTime(back, 'Europe/Berlin')).toBe(wallTime(instant, 'Europe/Berlin'))
    }
  })
})
