/** What a text lost and gained, line by line. Pure. */

export interface DiffLine {
  kind: 'same' | 'gone' | 'new'
  text: string
}

/** Longer texts are told as a whole replaced by a whole: comparing them line by line would take too long. */
const MOST_LINES = 400

/** A value as it is compared and shown: text as it is, the rest as JSON. */
export function linesOf(value: unknown): string[] {
  if (value === null || value === undefined) return []
  return (typeof value === 'string' ? value : JSON.stringify(value, null, 2)).split('\n')
}

/** The shortest way from one to the other: lines gone before lines new. */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  const gone = (text: string): DiffLine => ({ kind: 'gone', text })
  const fresh = (text: string): DiffLine => ({ kind: 'new', text })
  if (before.length > MOST_LINES || after.length > MOST_LINES) return [...before.map(gone), ...after.map(fresh)]
  // length[i][j]: the longest common run of lines of before[i..] and after[j..].
  const length = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1))
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      length[i]![j] = before[i] === after[j] ? length[i + 1]![j + 1]! + 1 : Math.max(length[i + 1]![j]!, length[i]![j + 1]!)
    }
  }
  const lines: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ kind: 'same', text: before[i]! })
      i += 1
      j += 1
    } else if (i < before.length && (j === after.length || length[i + 1]![j]! >= length[i]![j + 1]!)) lines.push(gone(before[i++]!))
    else lines.push(fresh(after[j++]!))
  }
  return lines
}
