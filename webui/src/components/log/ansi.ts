import { AnsiUp } from 'ansi_up'

/** A stretch of text that looks alike. Classes are styled in LogView.vue: the page allows no inline style. */
export interface Segment {
  text: string
  classes: string
}

const ESCAPE = '\u001b'
/** Hyperlinks of terminals (OSC 8) are cut to their text: a log must not put links of its choosing on the page. */
const HYPERLINK = /\u001b\]8;[^\u0007\u001b]*(?:\u0007|\u001b\\)/g
const CONTROL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])|\u001b/g
const MARKUP = /<span([^>]*)>|<\/span>|([^<]+)/g
const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#x27;': "'" }

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const
const CORNERS = NAMES.map((name, index) => ({ name, rgb: [index & 1, (index >> 1) & 1, (index >> 2) & 1].map((bit) => bit * 205) }))

/** The text without colours and other orders to a terminal: what is searched, copied and measured. */
export function plainText(text: string): string {
  return text.includes(ESCAPE) ? text.replace(CONTROL, '') : text
}

/** The text in stretches of one look. Sixteen colours are kept by name; finer ones become the nearest of eight. */
export function parseAnsi(text: string): Segment[] {
  if (!text.includes(ESCAPE)) return text === '' ? [] : [{ text, classes: '' }]
  const writer = new AnsiUp()
  writer.use_classes = true
  writer.boldStyle = 'bold'
  writer.faintStyle = 'faint'
  writer.italicStyle = 'italic'
  writer.underlineStyle = 'underline'
  // The reset at the end completes an order that the line cut short.
  const markup = writer.ansi_to_html(`${text.replace(HYPERLINK, '')}${ESCAPE}[0m`)
  const segments: Segment[] = []
  let classes = ''
  for (const [token, attributes, words] of markup.matchAll(MARKUP)) {
    if (words !== undefined) segments.push({ text: unescape(words), classes })
    else classes = token === '</span>' ? '' : classesOf(attributes ?? '')
  }
  return segments
}

/** Cuts the segments so that each match stands alone, marked; `query` is lower case and not empty. */
export function markMatches(segments: readonly Segment[], query: string): (Segment & { match: boolean })[] {
  const whole = segments.map((segment) => segment.text).join('').toLowerCase()
  const inMatch: [number, number][] = []
  for (let at = whole.indexOf(query); at >= 0; at = whole.indexOf(query, at + query.length)) inMatch.push([at, at + query.length])
  const cut: (Segment & { match: boolean })[] = []
  let start = 0
  for (const segment of segments) {
    const end = start + segment.text.length
    let at = start
    for (const [from, to] of inMatch) {
      if (to <= at || from >= end) continue
      if (from > at) cut.push({ text: segment.text.slice(at - start, from - start), classes: segment.classes, match: false })
      const stop = Math.min(to, end)
      cut.push({ text: segment.text.slice(Math.max(from, at) - start, stop - start), classes: segment.classes, match: true })
      at = stop
    }
    if (at < end) cut.push({ text: segment.text.slice(at - start), classes: segment.classes, match: false })
    start = end
  }
  return cut
}

function classesOf(attributes: string): string {
  const named = /class="([^"]*)"/.exec(attributes)?.[1] ?? ''
  const styles = /style="([^"]*)"/.exec(attributes)?.[1]?.split(';') ?? []
  const found = named === '' ? [] : named.split(' ')
  for (const style of styles) {
    const colour = /^(color|background-color):rgb\((\d+),(\d+),(\d+)\)$/.exec(style)
    if (!colour) found.push(`ansi-${style}`)
    else found.push(`ansi-${nearest(colour.slice(2).map(Number))}-${colour[1] === 'color' ? 'fg' : 'bg'}`)
  }
  return found.join(' ')
}

function nearest(rgb: readonly number[]): string {
  const distance = (corner: (typeof CORNERS)[number]) => corner.rgb.reduce((sum, part, index) => sum + (part - (rgb[index] ?? 0)) ** 2, 0)
  return CORNERS.reduce((best, corner) => (distance(corner) < distance(best) ? corner : best)).name
}

function unescape(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity] ?? entity)
}
