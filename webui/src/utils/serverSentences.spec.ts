import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import table from './serverSentences.json'
import { readSentences, splitEnd } from './serverSentences'

const FROM = '2026-03-02T12:00:00.000Z'
const TO = '2026-03-02T12:20:00.000Z'

describe('readSentences', () => {
  it('names the sentence and its facts', () => {
    expect(readSentences(`Still running since ${FROM} (execution 0abc), and overlap is skip.`)).toEqual([{ key: 'running', facts: { since: FROM, execution: '0abc' } }])
  })

  it('takes a message of several sentences apart', () => {
    const told = readSentences(`3 fire times from ${FROM} to ${TO} were missed. No node was running from ${FROM} to ${TO}; only the newest 5 missed fire times are caught up.`)
    expect(told?.map(({ key }) => key)).toEqual(['many', 'down', 'newestOnly'])
    expect(told?.[2]?.facts).toEqual({ n: '5' })
  })

  it('leaves the words of people as they are', () => {
    expect(readSentences('Will be skipped. All schedules were paused: Moving in.\nThe calendar comes later.')).toEqual([
      { key: 'skippedAhead', facts: {} },
      { key: 'allPausedFor', facts: { why: 'Moving in.\nThe calendar comes later.' } },
    ])
    expect(readSentences('Labour Day in the calendar Days in the calendar of Bonn.')?.[0]?.key).toBe('inCalendar')
  })

  it.each(['ValueError: no luck', '', 'Will be skipped. Somehow.', `No node was running from ${FROM} to ${TO}; it rained.`])('does not know %j', (message) => {
    expect(readSentences(message)).toBeNull()
  })

  it('finds what the server adds behind the words of a function', () => {
    const end = { key: 'noRetryOn', facts: { kind: 'ValueError' } }
    expect(splitEnd('ValueError: no luck Not tried again: noRetryOn names ValueError.')).toEqual({ words: 'ValueError: no luck', end })
    expect(splitEnd('Not tried again: noRetryOn names ValueError.')).toEqual({ words: '', end })
    expect(splitEnd('He said: Not tried again: noRetryOn names ValueError. Nobody heard.').end).toBeNull()
    expect(readSentences('The server answered 503 Service Unavailable: at lunch Not tried again: noRetryOn names ValueError.')).toEqual([
      { key: 'httpStatusSaid', facts: { status: '503 Service Unavailable', why: 'at lunch' } },
      end,
    ])
  })

  it('reads nothing that is longer than the server speaks', () => expect(readSentences(`All schedules were paused: ${'a'.repeat(5_000)}`)).toBeNull())
})

it('every sentence has its text, and the text names no other fact', () => {
  const file = readFileSync(join(import.meta.dirname, '../locales/en/executions.json'), 'utf-8')
  const texts = (JSON.parse(file) as { told: Record<string, string> }).told
  expect(Object.keys(texts).sort()).toEqual(table.map(({ key }) => key).sort())
  for (const { key, pattern } of table) {
    const facts = [...pattern.matchAll(/\(\?<(\w+)>/g)].map(([, name]) => (name === 'seconds' ? 'span' : name))
    expect([...(texts[key] ?? '').matchAll(/\{(\w+)\}/g)].filter(([, name]) => !facts.includes(name))).toEqual([])
  }
})
