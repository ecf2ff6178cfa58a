import { useI18n } from 'vue-i18n'
import { formatDuration, formatInstant, tellInstants, zoneOffset } from '@/utils/time'
import { readSentences, splitEnd, type ToldSentence } from '@/utils/serverSentences'

/** A text, and its language where that is not the page's. */
export interface Worded {
  text: string
  lang: 'en' | undefined
  /** What belongs behind it, in English. */
  cause?: string
}

/** Words in the language of the page. */
export function worded(text: string): Worded {
  return { text, lang: undefined }
}

interface ServerSentences {
  /** Tells what the server says. */
  tell: (message: string, zone: string) => Worded
  /** Tells only what the server added to the words of somebody else. */
  tellEnd: (message: string, zone: string) => Worded
}

const TIMES = new Set(['at', 'from', 'to', 'since', 'until'])

/**
 * Tells what the server says of an execution or a fire time in the language of the page, with its instants on the clock of `zone`; what
 * it cannot say in other words stays as it is, in English. The page needs the text of `executions`.
 */
export function useServerSentences(): ServerSentences {
  const { t, n } = useI18n()

  function fact(name: string, value: string, zone: string): [string, string] {
    if (name === 'n') return [name, n(Number(value))]
    if (name === 'seconds') return ['span', formatDuration(Number(value) * 1_000)]
    if (!TIMES.has(name)) return [name, value]
    const millis = Date.parse(value)
    return [name, `${formatInstant(millis, zone, 'day')} ${zoneOffset(millis, zone)}`]
  }

  function sentence({ key, facts }: ToldSentence, zone: string): string {
    return t(`executions.told.${key}`, Object.fromEntries(Object.entries(facts).map(([name, value]) => fact(name, value, zone))), Number(facts['n'] ?? 1))
  }

  function tell(message: string, zone: string): Worded {
    const told = readSentences(message)
    if (told !== null) {
      const text = worded(told.map((each) => sentence(each, zone)).join(' '))
      const cause = told.at(-1)?.facts['cause']
      return cause ? { ...text, cause } : text
    }
    const { words, end } = splitEnd(message)
    const english = tellInstants(words, zone)
    return end ? worded(`${english} ${sentence(end, zone)}`) : { text: english, lang: 'en' }
  }

  function tellEnd(message: string, zone: string): Worded {
    const { words, end } = splitEnd(message)
    return worded(end ? `${words} ${sentence(end, zone)}`.trimStart() : message)
  }

  return { tell, tellEnd }
}
