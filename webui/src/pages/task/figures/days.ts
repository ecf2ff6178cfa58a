/** A year of a task's days: where each stands on the calendar and how it is coloured. Pure; a date is `2026-11-23`. */
import type { SeriesBucket } from '@/api/figures'

const DAY = 86_400_000

/** `fail1` to `fail3` grow with the share of failures, `ok1` to `ok3` with the number of executions. */
export type DayLevel = 'none' | 'idle' | 'missed' | 'ok1' | 'ok2' | 'ok3' | 'fail1' | 'fail2' | 'fail3'

export interface Day {
  date: string
  /** Column and row, Monday on top. */
  week: number
  weekday: number
  level: DayLevel
  /** Has a fire time still to come. */
  planned: boolean
  figures: DayFigures | null
}
export interface DayFigures {
  /** Executions that came to an end of their own: success, failed, timed out. */
  ran: number
  failed: number
  missed: number
  /** Skipped or cancelled. */
  other: number
}

/** A date so many days later. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY).toISOString().slice(0, 10)
}

export function figuresOf(bucket: SeriesBucket): DayFigures {
  const failed = bucket.failed + bucket.timeout
  return { ran: bucket.success + failed, failed, missed: bucket.missed, other: bucket.skipped + bucket.cancelled }
}

/** The failed share of what ran; 0 when nothing did. */
export function failureShare({ ran, failed }: Pick<DayFigures, 'ran' | 'failed'>): number {
  return ran === 0 ? 0 : failed / ran
}

/**
 * How a day is coloured. A single failure among hundreds of executions leaves it green: from 0.5 % on it is told, from 3 % clearly,
 * from 8 % loudly. `most` is the largest number of executions on a day.
 */
export function levelOf(figures: DayFigures | null, most: number): DayLevel {
  if (!figures) return 'none'
  if (figures.ran === 0) return figures.missed > 0 ? 'missed' : figures.other > 0 ? 'idle' : 'none'
  const share = failureShare(figures)
  if (share >= 0.08) return 'fail3'
  if (share >= 0.03) return 'fail2'
  if (share >= 0.005) return 'fail1'
  const busy = figures.ran / most
  return busy <= 1 / 3 ? 'ok1' : busy <= 2 / 3 ? 'ok2' : 'ok3'
}

/** The days from `first` to `last`; its columns are whole weeks, the first may begin in the middle of one. */
export function layDays(first: string, last: string, buckets: readonly SeriesBucket[], planned: ReadonlySet<string>): Day[] {
  const byDate = new Map<string, DayFigures>()
  for (const bucket of buckets) byDate.set(bucket.date ?? bucket.start.slice(0, 10), figuresOf(bucket))
  const most = Math.max(1, ...[...byDate.values()].map(({ ran }) => ran))
  const lead = weekdayOf(first)
  const days: Day[] = []
  for (let date = first, index = lead; date <= last; date = addDays(date, 1), index += 1) {
    const figures = byDate.get(date) ?? null
    days.push({ date, week: Math.floor(index / 7), weekday: index % 7, level: levelOf(figures, most), planned: planned.has(date), figures })
  }
  return days
}

/** Where the name of each month stands: over the week of its first day, if that leaves room. */
export function monthMarks(days: readonly Day[]): { month: string; week: number }[] {
  const marks: { month: string; week: number }[] = []
  for (const { date, week } of days) {
    if (date.endsWith('-01') && week - (marks.at(-1)?.week ?? -3) >= 3) marks.push({ month: date, week })
  }
  return marks
}

/** What the calendar says, in numbers. */
export function tellDays(days: readonly Day[]): { ran: number; clean: number; failing: number; worst: Day | null } {
  const ran = days.filter(({ figures }) => (figures?.ran ?? 0) > 0)
  const failing = ran.filter(({ figures }) => figures!.failed > 0)
  const worst = failing.reduce<Day | null>((worst, day) => (worst && failureShare(worst.figures!) > failureShare(day.figures!) ? worst : day), null)
  return { ran: ran.length, clean: ran.length - failing.length, failing: failing.length, worst }
}

/** Monday is 0. */
function weekdayOf(date: string): number {
  return (new Date(date).getUTCDay() + 6) % 7
}
