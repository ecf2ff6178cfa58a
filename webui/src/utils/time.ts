import { writing, type DurationUnits } from './locale'

/** How times and durations are written, in the language chosen unless told otherwise. `now` and zone are arguments. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let zoneHere: string | undefined

/** This browser's time zone, asked for once: that takes as long as drawing a row of a list, and each row has several times. */
export function browserZone(): string {
  return (zoneHere ??= Intl.DateTimeFormat().resolvedOptions().timeZone)
}

/**
 * A duration with two figures of meaning.
 *
 * formatDuration(338) is "338 ms", formatDuration(8_600) "8.6 s", formatDuration(71_000) "1 m 11 s".
 */
export function formatDuration(millis: number, locale = writing.value.language, units: DurationUnits = writing.value.units): string {
  const value = Math.max(0, millis)
  if (value < SECOND) return `${Math.floor(value)} ${units.ms}`
  if (value < 10 * SECOND) {
    return `${tenths(Math.floor(value / 100) / 10, locale)} ${units.s}`
  }
  if (value < MINUTE) return `${Math.floor(value / SECOND)} ${units.s}`
  const [big, small, bigUnit, smallUnit] =
    value < HOUR
      ? [MINUTE, SECOND, units.m, units.s]
      : value < DAY
        ? [HOUR, MINUTE, units.h, units.m]
        : [DAY, HOUR, units.d, units.h]
  const whole = Math.floor(value / big)
  const rest = Math.floor((value % big) / small)
  return rest === 0 ? `${whole} ${bigUnit}` : `${whole} ${bigUnit} ${rest} ${smallUnit}`
}

const decimals = new Map<string, Intl.NumberFormat>()

function tenths(value: number, locale: string): string {
  let format = decimals.get(locale)
  if (!format) {
    format = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
    decimals.set(locale, format)
  }
  return format.format(value)
}

/** How far an instant lies from `now`: its distance and its side. Under a second is "now". */
export function relativeTo(instant: number, now: number): { side: 'past' | 'now' | 'future'; millis: number } {
  const millis = Math.abs(instant - now)
  if (millis < SECOND) return { side: 'now', millis }
  return { side: instant < now ? 'past' : 'future', millis }
}

/** Distances are read at a glance: above a minute seconds are left out, above a day minutes. */
export function coarse(millis: number): number {
  if (millis < MINUTE) return Math.floor(millis / SECOND) * SECOND
  if (millis < 10 * MINUTE) return Math.floor(millis / SECOND) * SECOND
  if (millis < DAY) return Math.floor(millis / MINUTE) * MINUTE
  return Math.floor(millis / HOUR) * HOUR
}

/** The offset of a zone at an instant, as `+02:00`. */
export function zoneOffset(instant: number, zone: string): string {
  let format = offsets.get(zone)
  if (!format) {
    // Making one costs a hundred times as much as using it.
    format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
    offsets.set(zone, format)
  }
  const parts = format.formatToParts(instant)
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? 'GMT'
  return name === 'GMT' ? '+00:00' : name.replace('GMT', '')
}

const offsets = new Map<string, Intl.DateTimeFormat>()

export type InstantStyle = 'full' | 'short' | 'second' | 'day' | 'date' | 'time' | 'minute'

const STYLES: Record<InstantStyle, Intl.DateTimeFormatOptions> = {
  full: { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  short: { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  second: { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  day: { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  date: { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' },
  time: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  minute: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
}

const formats = new Map<string, Intl.DateTimeFormat>()

/**
 * The shortest style that tells these instants apart from their whole minutes: seconds are shown only where there are some, the year
 * only where one is far from `now`.
 */
export function shortStyle(instants: readonly number[], now: number): InstantStyle {
  if (instants.some((instant) => Math.abs(instant - now) > 300 * DAY)) return 'full'
  return instants.every((instant) => instant % MINUTE < SECOND) ? 'short' : 'second'
}

/** An instant on the clock of `zone`. */
export function formatInstant(instant: number, zone: string, style: InstantStyle, locale = writing.value.dates): string {
  const key = `${locale}|${zone}|${style}`
  let format = formats.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat(locale, { ...STYLES[style], timeZone: zone })
    formats.set(key, format)
  }
  return format.format(instant)
}

/**
 * A sentence of the server with its instants put on the clock of `zone`.
 *
 * tellInstants('until 2026-12-01T00:00:00.000Z.', 'Europe/Helsinki') is "until 1 Dec, 02:00:00 +02:00."
 */
export function tellInstants(sentence: string, zone: string): string {
  return sentence.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (instant) => {
    const millis = Date.parse(instant)
    return `${formatInstant(millis, zone, 'day')} ${zoneOffset(millis, zone)}`
  })
}

/** The calendar date of an instant in a zone, as `2026-11-23`. */
export function dateIn(instant: number, zone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(instant)
}

/** True when both zones show the same clock at each of the instants. */
export function sameClock(zone: string, other: string, instants: readonly number[]): boolean {
  return zone === other || instants.every((instant) => zoneOffset(instant, zone) === zoneOffset(instant, other))
}
