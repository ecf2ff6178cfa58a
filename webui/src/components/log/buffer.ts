import type { LogLine } from '@/api/types'

/** As many lines as the page keeps in memory. */
export const KEPT_LINES = 50_000

/** The newest lines of a log in order, each once, however often a resumed stream gives it. */
export class LogBuffer {
  private kept: LogLine[] = []
  private newest = 0
  private lost = 0

  constructor(private capacity = KEPT_LINES) {}

  get lines(): readonly LogLine[] {
    return this.kept
  }

  /** Number of the newest line; where a stream goes on. 0 before the first. */
  get lastSeq(): number {
    return this.newest
  }

  /** How many of the oldest lines were let go. */
  get dropped(): number {
    return this.lost
  }

  /** Number of the oldest line kept; 0 before the first. */
  get firstSeq(): number {
    return this.kept[0]?.seq ?? 0
  }

  /** Takes lines back that were let go, and has room for them from now on. */
  unshift(lines: readonly LogLine[]): void {
    const first = this.firstSeq
    const earlier = lines.filter((line) => line.seq < first)
    this.kept = [...earlier, ...this.kept]
    this.capacity += earlier.length
    this.lost -= earlier.length
  }

  /** Takes lines in; answers how many were new. */
  push(lines: readonly LogLine[]): number {
    let added = 0
    for (const line of lines) {
      if (line.seq <= this.newest) continue
      this.newest = line.seq
      this.kept.push(line)
      added += 1
    }
    const over = this.kept.length - this.capacity
    if (over > 0) {
      this.kept.splice(0, over)
      this.lost += over
    }
    return added
  }
}
