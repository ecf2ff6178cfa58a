import { describe, expect, it } from 'vitest'
import { labelled, offsetAt, piecesOf, ticksOf } from './ticks'

const HOUR = 3_600_000
const at = (text: string) => Date.parse(text)
const texts = (from: string, to: string, zone: string, width = 800) => ticksOf({ from: at(from), to: at(to) }, width, zone).map(({ text, kind }) => (kind === 'time' ? text : `${kind} ${text}`))

describe('ticks', () => {
  it('stand on round times of the clock of the zone, also where its offset is odd', () => {
    expect(texts('2026-11-23T12:00:00Z', '2026-11-23T16:00:00Z', 'Asia/Kathmandu')).toEqual(['18:00', '18:30', '19:00', '19:30', '20:00', '20:30', '21:00', '21:30'])
  })

  it('name midnight by its date', () => {
    expect(texts('2026-11-23T20:00:00Z', '2026-11-24T00:00:00Z', 'Europe/Helsinki', 400)).toEqual(['22:00', '23:00', 'day Tue, 24 Nov', '01:00'])
  })

  it('tell where the clock is put forward, and skip the hour that is none', () => {
    expect(texts('2026-03-28T23:00:00Z', '2026-03-29T03:00:00Z', 'Europe/Helsinki', 400)).toEqual(['01:00', '02:00', 'shift +03:00', '04:00', '05:00'])
  })

  it('show the hour twice that is there twice', () => {
    expect(texts('2026-10-24T23:00:00Z', '2026-10-25T03:00:00Z', 'Europe/Helsinki', 400)).toEqual(['02:00', '03:00', 'shift +02:00', '03:00', '04:00'])
  })

  it('need a width', () => expect(ticksOf({ from: 0, to: HOUR }, 0, 'UTC')).toEqual([]))
})

it('a stretch without a change of the clock is one piece', () => {
  expect(piecesOf({ from: 0, to: HOUR }, 'UTC')).toEqual([{ from: 0, to: HOUR, offset: 0 }])
})

it.each([
  ['UTC', 0],
  ['America/St_Johns', -3.5],
  ['Asia/Kathmandu', 5.75],
])('the offset of %s is %d hours', (zone, hours) => expect(offsetAt(at('2026-01-15T00:00:00Z'), zone)).toBe(hours * HOUR))

it('texts near the tag of the present, or near a rarer one, are left out', () => {
  const ticks = [0, 40, 80, 200].map((place) => ({ at: place, text: String(place), kind: place === 80 ? ('day' as const) : ('time' as const) }))
  const shown = (tag: number | null) => [...labelled(ticks, (place) => place, tag)].map(({ text }) => text).sort()
  expect(shown(null)).toEqual(['0', '200', '80'])
  expect(shown(210)).toEqual(['0', '80'])
})
