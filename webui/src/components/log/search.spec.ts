import { describe, expect, it } from 'vitest'
import type { LogLine } from '@/api/types'
import { findLines, linesOfStream, logFile, stepMatch } from './search'

const line = (seq: number, text: string, stream: LogLine['stream'] = 'stdout', level: string | null = null): LogLine => ({
  seq,
  at: '2026-01-01T00:00:00.000Z',
  stream,
  level,
  attempt: 1,
  text,
})
const log = [line(1, 'Start'), line(2, 'a \u001b[31mres\u001b[0mtart', 'stderr'), line(3, 'end')]

describe('findLines', () => {
  it('finds text in any case, through colours', () => {
    expect(findLines(log, 'START')).toEqual([0, 1])
    expect(findLines(log, 'restart')).toEqual([1])
  })

  it('an empty query finds nothing', () => expect(findLines(log, '')).toEqual([]))
})

describe('stepMatch', () => {
  it('goes on from where one is, and round at the ends', () => {
    expect(stepMatch([2, 5, 9], 5, 1)).toBe(2)
    expect(stepMatch([2, 5, 9], 9, 1)).toBe(0)
    expect(stepMatch([2, 5, 9], 5, -1)).toBe(0)
    expect(stepMatch([2, 5, 9], 2, -1)).toBe(2)
    expect(stepMatch([], 0, 1)).toBe(-1)
  })
})

describe('linesOfStream', () => {
  it('keeps one stream, or all', () => {
    expect(linesOfStream(log, 'stderr').map(({ seq }) => seq)).toEqual([2])
    expect(linesOfStream(log, null)).toHaveLength(3)
  })
})

describe('logFile', () => {
  it('writes a line per line, without colours', () => {
    expect(logFile([log[1]!, line(4, 'careful', 'log', 'warning')])).toBe(
      '2026-01-01T00:00:00.000Z stderr a restart\n2026-01-01T00:00:00.000Z warning careful\n',
    )
  })
})
