/**
 * What the server's sentences say: which one it is, and the facts it names, so that it can be told in the language of the page.
 * The sentences are kept with what they tell of, in English; a test of the server checks that this table knows them. Pure.
 */
import table from './serverSentences.json'

/** A sentence that is known: a key under `executions.told`, and what it names by the names that the text has for it. */
export interface ToldSentence {
  key: string
  facts: Record<string, string>
}

const PIECES = { TIME: String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`, NUMBER: String.raw`[\d.]+(?:e\+\d+)?` }

interface Known {
  key: string
  /** Another sentence may follow it. */
  leads: boolean
  /** It may stand at the end of what somebody else said. */
  ends: boolean
  whole: RegExp
  start: RegExp
  end: RegExp
}

const KNOWN: readonly Known[] = (table as { key: string; leads?: boolean; ends?: boolean; pattern: string }[]).map(({ key, leads = false, ends = false, pattern }) => {
  const source = pattern.replace(/TIME|NUMBER/g, (piece) => PIECES[piece as keyof typeof PIECES])
  return { key, leads, ends, whole: new RegExp(`^${source}$`, 's'), start: new RegExp(`^${source} `, 's'), end: new RegExp(`(?:^| )${source}$`, 's') }
})

/** No message of these sentences is longer: what is, is not worth the search. */
const LONGEST = 4_000
const LONGEST_END = 400

/** What a message says before the sentence that the server adds at its end, such as why there is no retry; and that sentence. */
export function splitEnd(message: string): { words: string; end: ToldSentence | null } {
  const tail = message.slice(-LONGEST_END)
  for (const { key, ends, end } of KNOWN) {
    const match = ends ? end.exec(tail) : null
    if (match) return { words: message.slice(0, message.length - match[0].length), end: { key, facts: { ...match.groups } } }
  }
  return { words: message, end: null }
}

/** The sentences that a message of the server consists of; null when it has one that is not known. */
export function readSentences(message: string): ToldSentence[] | null {
  if (message.length > LONGEST) return null
  const { words, end } = splitEnd(message)
  const told: ToldSentence[] = []
  let rest = words
  if (end && !words) return [end]
  for (;;) {
    const lead = KNOWN.find(({ leads, start }) => leads && start.test(rest))
    const known = lead ?? KNOWN.find(({ whole }) => whole.test(rest))
    if (!known) return null
    const match = (lead ? known.start : known.whole).exec(rest)
    told.push({ key: known.key, facts: { ...match?.groups } })
    if (!lead) return end ? [...told, end] : told
    rest = rest.slice(match?.[0].length)
  }
}
