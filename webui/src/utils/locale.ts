import { shallowRef } from 'vue'

/** How a language writes dates and spans. */
export interface Writing {
  /** For numbers and lists (BCP 47). */
  language: string
  /** For dates: English ones are written with the day before the month and 24 hours. */
  dates: string
  units: DurationUnits
}

/** Text units of durations. */
export interface DurationUnits {
  ms: string
  s: string
  m: string
  h: string
  d: string
}

export const PLAIN_UNITS: DurationUnits = { ms: 'ms', s: 's', m: 'm', h: 'h', d: 'd' }
/** The symbols of the SI, for languages in which a lone m is a metre. */
export const SI_UNITS: DurationUnits = { ...PLAIN_UNITS, m: 'min' }

/** The writing in use. Set by `i18n.ts` alone; what reads it while rendering follows a change of language. */
export const writing = shallowRef<Writing>({ language: 'en', dates: 'en-GB', units: PLAIN_UNITS })

/** Names in a row, as the language joins them: "a, b and c". */
export function joinList(names: readonly string[], type: 'conjunction' | 'disjunction' = 'conjunction'): string {
  return new Intl.ListFormat(writing.value.dates, { type }).format(names)
}
