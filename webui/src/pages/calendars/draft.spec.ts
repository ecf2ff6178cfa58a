import { expect, it } from 'vitest'
import type { Calendar } from '@/api/types'
import { blankCalendar, blankEntry, calendarBodyOf, calendarDraftOf, SECTIONS } from './draft'

it('a calendar survives the way into the form and back', () => {
  const body = {
    name: 'Holidays', description: 'of Finland', timezone: 'Europe/Helsinki',
    dates: [{ name: 'Trip', from: '2026-05-04', to: '2026-05-08' }],
    yearlyDates: [{ name: 'Christmas Day', date: '--12-25' }, { name: '', date: '--02-29' }],
    weekdays: [{ name: '', days: ['sat', 'sun'], from: null, to: null }, { name: 'Nights', days: ['mon'], from: '22:00', to: '06:00' }],
    weeklyWindows: [{ name: '', from: 'fri 22:00', to: 'mon 06:00' }],
    windows: [{ name: 'Move', from: '2026-12-01T00:00:00.000Z', to: '2026-12-02T00:00:00.000Z' }],
  }
  expect(calendarBodyOf(calendarDraftOf(body as unknown as Calendar))).toEqual(body)
})

it('one day needs no last day', () => {
  const draft = { ...blankCalendar('UTC'), name: ' X ', dates: [{ name: '', from: '2026-05-04', to: '' }] }
  expect(calendarBodyOf(draft)).toMatchObject({ name: 'X', dates: [{ from: '2026-05-04', to: null }] })
})

it('a new entry of each kind is of its own', () => {
  for (const section of SECTIONS) expect(blankEntry(section)).not.toBe(blankEntry(section))
})
