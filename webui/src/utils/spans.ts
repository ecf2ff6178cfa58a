/** Seconds as an amount and a unit, the way people type them. Pure. */

export const UNITS = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 } as const
export type Unit = keyof typeof UNITS

/** The largest unit that tells these seconds in a whole number: 5400 is 90 minutes. */
export function splitSeconds(seconds: number): { amount: number; unit: Unit } {
  const names = Object.keys(UNITS) as Unit[]
  const unit = [...names].reverse().find((name) => seconds > 0 && seconds % UNITS[name] === 0) ?? 'seconds'
  return { amount: seconds / UNITS[unit], unit }
}

/** Typed amounts as seconds, written out; what is no whole number of seconds stays as it was typed. */
export function joinSeconds(typed: string, unit: Unit): string {
  const text = typed.trim()
  const seconds = Number(text) * UNITS[unit]
  return text !== '' && Number.isInteger(seconds) ? String(seconds) : unit === 'seconds' ? text : `${text} ${unit}`.trim()
}
