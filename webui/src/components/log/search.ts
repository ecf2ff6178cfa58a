import type { LogLine } from '@/api/types'
import { plainText } from './ansi'

/** Which lines are shown: indexes into `lines`, or null for all. */
export function linesOfStream(lines: readonly LogLine[], stream: LogLine['stream'] | null): LogLine[] {
  return stream === null ? (lines as LogLine[]) : lines.filter((line) => line.stream === stream)
}

/** Indexes of the lines that hold `query`, whatever its case. An empty query is nowhere. */
export function findLines(lines: readonly LogLine[], query: string): number[] {
  const wanted = query.toLowerCase()
  if (wanted === '') return []
  const found: number[] = []
  lines.forEach((line, index) => {
    if (plainText(line.text).toLowerCase().includes(wanted)) found.push(index)
  })
  return found
}

/** The place in `found` after (or before) the line `from`, going round at the end; -1 when nothing was found. */
export function stepMatch(found: readonly number[], from: number, step: 1 | -1): number {
  if (found.length === 0) return -1
  if (step === 1) {
    const next = found.findIndex((index) => index > from)
    return next < 0 ? 0 : next
  }
  const before = found.findLastIndex((index) => index < from)
  return before < 0 ? found.length - 1 : before
}

/** The log as a text file: what was printed, without colours. */
export function logFile(lines: readonly LogLine[]): string {
  return lines.map((line) => `${line.at} ${line.stream === 'log' ? (line.level ?? 'log') : line.stream} ${plainText(line.text)}\n`).join('')
}
