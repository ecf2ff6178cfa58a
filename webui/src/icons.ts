import { init } from 'virtual:nuxt-ui-icons'

/** The bundled icons as drawn by their makers: shapes of lines two units thick on a square of 24. */
const bodies = new Map<string, string>()
init((name, { body }) => bodies.set(name, body))

const paths = new Map<string, string>()

/**
 * The lines of one of the bundled icons, `i-lucide-check`, as a single SVG path. One that is not bundled is blank: nothing is ever
 * fetched from the icon library's public server.
 */
export function iconPath(name: string): string {
  const known = paths.get(name)
  if (known !== undefined) return known
  const path = pathOf(bodies.get(name.replace(/^(i-)?lucide[-:]/, 'lucide:')) ?? '')
  paths.set(name, path)
  return path
}

/**
 * Lines, circles and boxes as one path.
 *
 * pathOf('<path d="M1 2h3"/><circle cx="5" cy="5" r="2"/>') is "M1 2h3M3 5a2 2 0 1 0 4 0a2 2 0 1 0 -4 0".
 */
export function pathOf(body: string): string {
  return [...body.matchAll(/<(path|circle|rect)([^>]*)/g)].map(([, shape, attributes]) => shapePath(shape!, attributes!)).join('')
}

function shapePath(shape: string, attributes: string): string {
  const text = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(attributes)?.[1] ?? ''
  const number = (name: string) => Number(text(name))
  if (shape === 'path') return text('d')
  if (shape === 'circle') {
    const r = number('r')
    const half = `a${r} ${r} 0 1 0 `
    return `M${number('cx') - r} ${number('cy')}${half}${2 * r} 0${half}${-2 * r} 0`
  }
  const r = number('rx')
  const across = number('width') - 2 * r
  const down = number('height') - 2 * r
  const corner = (x: number, y: number) => (r ? `a${r} ${r} 0 0 1 ${x} ${y}` : '')
  return `M${number('x') + r} ${number('y')}h${across}${corner(r, r)}v${down}${corner(-r, r)}h${-across}${corner(-r, -r)}v${-down}${corner(r, -r)}z`
}
