/** A calendar as its form holds it. Pure. */
import type { Calendar, NewCalendar } from '@/api/types'

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

export interface CalendarDraft {
  name: string
  description: string
  timezone: string
  dates: { name: string; from: string; to: string }[]
  yearlyDates: { name: string; month: string; day: string }[]
  weekdays: { name: string; days: Weekday[]; from: string; to: string }[]
  weeklyWindows: { name: string; fromDay: Weekday; from: string; toDay: Weekday; to: string }[]
  /** `from` and `to` are instants. */
  windows: { name: string; from: string; to: string }[]
}
export type Section = 'dates' | 'yearlyDates' | 'weekdays' | 'weeklyWindows' | 'windows'
export const SECTIONS = ['dates', 'yearlyDates', 'weekdays', 'weeklyWindows', 'windows'] as const satisfies readonly Section[]

export function blankCalendar(timezone: string): CalendarDraft {
  return { name: '', description: '', timezone, dates: [], yearlyDates: [], weekdays: [], weeklyWindows: [], windows: [] }
}

/** A new entry of a kind. */
export function blankEntry<S extends Section>(section: S): CalendarDraft[S][number] {
  const entries: { [K in Section]: CalendarDraft[K][number] } = {
    dates: { name: '', from: '', to: '' },
    yearlyDates: { name: '', month: '1', day: '1' },
    weekdays: { name: '', days: ['sat', 'sun'], from: '', to: '' },
    weeklyWindows: { name: '', fromDay: 'fri', from: '22:00', toDay: 'mon', to: '06:00' },
    windows: { name: '', from: '', to: '' },
  }
  return entries[section]
}

export function calendarDraftOf(calendar: Calendar): CalendarDraft {
  return {
    name: calendar.name,
    description: calendar.description,
    timezone: calendar.timezone,
    dates: calendar.dates.map((entry) => ({ ...entry })),
    yearlyDates: calendar.yearlyDates.map(({ name, date }) => ({ name, month: String(Number(date.slice(2, 4))), day: String(Number(date.slice(5))) })),
    weekdays: calendar.weekdays.map(({ name, days, from, to }) => ({ name, days: [...days], from: from ?? '', to: to ?? '' })),
    weeklyWindows: calendar.weeklyWindows.map(({ name, from, to }) => ({ name, fromDay: from.slice(0, 3) as Weekday, from: from.slice(4), toDay: to.slice(0, 3) as Weekday, to: to.slice(4) })),
    windows: calendar.windows.map((entry) => ({ ...entry })),
  }
}

export function calendarBodyOf(draft: CalendarDraft): NewCalendar {
  const two = (text: string) => text.trim().padStart(2, '0')
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    timezone: draft.timezone,
    dates: draft.dates.map(({ name, from, to }) => ({ name, from, to: to || null })),
    yearlyDates: draft.yearlyDates.map(({ name, month, day }) => ({ name, date: `--${two(month)}-${two(day)}` })),
    weekdays: draft.weekdays.map(({ name, days, from, to }) => ({ name, days: [...days], from: from || null, to: to || null })),
    weeklyWindows: draft.weeklyWindows.map(({ name, fromDay, from, toDay, to }) => ({ name, from: `${fromDay} ${from}`, to: `${toDay} ${to}` })),
    windows: draft.windows.map((entry) => ({ ...entry })),
  }
}
