/** Between instants and what a clock in a time zone shows. Pure. A wall time is written as `2026-11-23T09:30`. */

const DAY = 86_400_000
const formats = new Map<string, Intl.DateTimeFormat>()

/** What the clock of `zone` shows at an instant; seconds only when there are some. */
export function wallTime(instant: string, zone: string): string {
  return new Date(wallMillis(Date.parse(instant), zone)).toISOString().slice(0, 19).replace(/:00$/, '')
}

/**
 * The instant at which the clock of `zone` shows a wall time, with or without seconds; null when the text is none. A time that is
 * shown twice is the first of the two, one that a clock change skips is as much later as the clock was moved.
 */
export function instantOf(wall: string, zone: string): string | null {
  const shown = Date.parse(`${wall}Z`)
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(wall) || Number.isNaN(shown)) return null
  const offsets = [shown - DAY, shown + DAY].map((near) => wallMillis(near, zone) - near)
  const found = offsets.map((offset) => shown - offset).filter((instant) => wallMillis(instant, zone) === shown)
  const instant = found.length > 0 ? Math.min(...found) : shown - offsets[0]!
  return new Date(instant).toISOString()
}

function wallMillis(instant: number, zone: string): number {
  const whole = Math.floor(instant / 1_000) * 1_000
  const parts = Object.fromEntries(formatOf(zone).formatToParts(whole).map(({ type, value }) => [type, Number(value)]))
  return Date.UTC(parts.year!, parts.month! - 1, parts.day, parts.hour, parts.minute, parts.second)
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
    formats.set(zone, format)
  }
  return format
}
