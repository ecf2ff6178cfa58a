import { useI18n } from 'vue-i18n'
import { formatDuration, formatInstant, tellInstants, zoneOffset } from '@/utils/time'
import { readSentences } from '@/utils/serverSentences'

/** A text, and its language where that is not the page's. */
export interface Worded {
  text: string
  lang: 'en' | undefined
}

const TIMES = new Set(['at', 'from', 'to', 'since', 'until'])

/**
 * Tells what the server says of an execution or a fire time in the language of the page, with its instants on the clock of `zone`; what
 * it cannot say in other words stays as it is, in English. The page needs the text of `executions`.
 */
export function useServerSentences(): (message: string, zone: string) => Worded {
  const { t, n } = useI18n()

  function fact(name: string, value: string, zone: string): [string, string] {
    if (name === 'n') return [name, n(Number(value))]
    if (name === 'seconds') return ['span', formatDuration(Number(value) * 1_000)]
    if (!TIMES.has(name)) return [name, value]
    const millis = Date.parse(value)
    return [name, `${formatInstant(millis, zone, 'day')} ${zoneOffset(millis, zone)}`]
  }

  return (message, zone) => {
    const told = readSentences(message)
    if (told === null) return { text: tellInstants(message, zone), lang: 'en' }
    const texts = told.map(({ key, facts }) => t(`executions.told.${key}`, Object.fromEntries(Object.entries(facts).map(([name, value]) => fact(name, value, zone))), Number(facts['n'] ?? 1)))
    return { text: texts.join(' '), lang: undefined }
  }
}
