import { describe, expect, it } from 'vitest'
import { coarse, dateIn, formatDuration, formatInstant, relativeTo, sameClock, shortStyle, tellInstants, zoneOffset } from './time'

const at = (text: string) => Date.parse(text)

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [338, '338 ms'],
    [999.7, '999 ms'],
    [8_640, '8.6 s'],
    [9_999, '9.9 s'],
    [59_999, '59 s'],
    [71_000, '1 m 11 s'],
    [3_600_000, '1 h'],
    [19_380_000, '5 h 23 m'],
    [180_000_000, '2 d 2 h'],
    [-5, '0 ms'],
  ])('%d ms is %s', (millis, text) => expect(formatDuration(millis)).toBe(text))
})

describe('relativeTo', () => {
  it('knows the side', () => {
    expect(relativeTo(5_000, 1_000)).toEqual({ side: 'future', millis: 4_000 })
    expect(relativeTo(1_000, 5_000)).toEqual({ side: 'past', millis: 4_000 })
    expect(relativeTo(1_000, 1_999).side).toBe('now')
  })
})

describe('coarse', () => {
  it('leaves out what nobody reads', () => {
    expect(coarse(2_900)).toBe(2_000)
    expect(coarse(754_321)).toBe(720_000)
    expect(coarse(90_061_000)).toBe(90_000_000)
  })
})

describe('zones', () => {
  it('gives the offset on both sides of a clock change', () => {
    expect(zoneOffset(at('2026-10-24T12:00:00Z'), 'Europe/Helsinki')).toBe('+03:00')
    expect(zoneOffset(at('2026-10-25T12:00:00Z'), 'Europe/Helsinki')).toBe('+02:00')
    expect(zoneOffset(at('2026-10-25T12:00:00Z'), 'UTC')).toBe('+00:00')
  })

  it('writes an instant on the clock of its zone', () => {
    expect(formatInstant(at('2026-11-23T14:00:00Z'), 'America/New_York', 'short')).toBe('Mon 23 Nov, 09:00')
  })

  it('shows seconds only where there are some', () => {
    expect(shortStyle([at('2026-11-23T14:00:00.500Z')], at('2026-11-22T14:00:00Z'))).toBe('short')
    expect(shortStyle([at('2026-11-23T14:00:00Z'), at('2026-11-23T14:00:05Z')], at('2026-11-22T14:00:00Z'))).toBe('second')
  })

  it('shows the year only where it is far away', () => {
    expect(shortStyle([at('2026-11-23T14:00:00Z')], at('2027-11-22T14:00:00Z'))).toBe('full')
    expect(shortStyle([at('2027-03-23T14:00:00Z')], at('2026-11-22T14:00:00Z'))).toBe('short')
  })

  it('knows the date on the other side of midnight', () => {
    expect(dateIn(at('2026-11-23T23:30:00Z'), 'UTC')).toBe('2026-11-23')
    expect(dateIn(at('2026-11-23T23:30:00Z'), 'Asia/Tokyo')).toBe('2026-11-24')
  })

  it('two zones with one clock are told apart only when they part', () => {
    expect(sameClock('Europe/Berlin', 'Europe/Paris', [at('2026-01-01T00:00:00Z')])).toBe(true)
    expect(sameClock('Europe/Berlin', 'UTC', [at('2026-01-01T00:00:00Z')])).toBe(false)
  })
})

describe('tellInstants', () => {
  it('puts the instants of a sentence on the clock of a zone', () => {
    expect(tellInstants('Paused until 2026-12-01T00:00:00.000Z.', 'Europe/Helsinki')).toBe('Paused until 1 Dec, 02:00:00 +02:00.')
    expect(tellInstants('from 2026-07-01T00:00:00Z to 2026-07-01T01:00:00Z', 'UTC')).toBe('from 1 Jul, 00:00:00 +00:00 to 1 Jul, 01:00:00 +00:00')
  })
  it('leaves everything else', () => expect(tellInstants('At 12:00 on 2026-12-01', 'UTC')).toBe('At 12:00 on 2026-12-01'))
})
