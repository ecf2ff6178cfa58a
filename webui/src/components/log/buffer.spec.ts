import { describe, expect, it } from 'vitest'
import type { LogLine } from '@/api/types'
import { LogBuffer } from './buffer'

const line = (seq: number): LogLine => ({ seq, at: '2026-01-01T00:00:00.000Z', stream: 'stdout', level: null, attempt: 1, text: `line ${seq}` })
const lines = (...seqs: number[]) => seqs.map(line)

describe('LogBuffer', () => {
  it('keeps each line once, however often it comes', () => {
    const buffer = new LogBuffer()
    expect(buffer.push(lines(1, 2, 3))).toBe(3)
    expect(buffer.push(lines(2, 3, 4))).toBe(1)
    expect(buffer.lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
    expect(buffer.lastSeq).toBe(4)
  })

  it('lets the oldest go when it is full, and says how many', () => {
    const buffer = new LogBuffer(3)
    buffer.push(lines(1, 2))
    buffer.push(lines(3, 4, 5))
    expect(buffer.lines.map(({ seq }) => seq)).toEqual([3, 4, 5])
    expect(buffer.dropped).toBe(2)
  })
})

it('takes back lines that were let go, and keeps them', () => {
  const buffer = new LogBuffer(2)
  buffer.push([line(1), line(2), line(3), line(4)])

  buffer.unshift([line(2), line(3)])
  buffer.push([line(5)])

  expect(buffer.lines.map(({ seq }) => seq)).toEqual([3, 4, 5])
  expect(buffer.dropped).toBe(2)
})
