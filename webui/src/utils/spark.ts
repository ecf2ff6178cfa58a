/**
 * A line through values that are spread evenly over `width`, and the area under it, as SVG paths. The line starts at zero's height,
 * so that a small change stays small; it breaks where a value is not known.
 */
export function sparkPaths(values: readonly (number | null)[], width: number, tall: number): { line: string; area: string } {
  const top = Math.max(...values.map((value) => value ?? 0), 0)
  const step = values.length > 1 ? width / (values.length - 1) : 0
  const floor = tall - 1
  const place = (value: number) => round(top === 0 ? floor : floor - (value / top) * (tall - 3))
  const runs: string[][] = [[]]
  const starts: number[] = [0]
  values.forEach((value, index) => {
    if (value === null) {
      if (runs.at(-1)!.length > 0) runs.push([])
      return
    }
    if (runs.at(-1)!.length === 0) starts[runs.length - 1] = index
    runs.at(-1)!.push(`${round(index * step)} ${place(value)}`)
  })
  const drawn = runs.flatMap((points, number) => (points.length > 0 ? [{ points, from: starts[number]! }] : []))
  return {
    // A point on its own is a line of no length: round ends make it a dot.
    line: drawn.map(({ points }) => `M${points.join('L')}${points.length === 1 ? 'h0' : ''}`).join(''),
    area: drawn.map(({ points, from }) => `M${round(from * step)} ${tall}L${points.join('L')}L${round((from + points.length - 1) * step)} ${tall}z`).join(''),
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
