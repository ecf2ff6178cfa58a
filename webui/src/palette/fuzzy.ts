/** How well what was typed fits a text, and where. Pure. */

export interface Match {
  /** Higher is better. */
  score: number
  /** Places of the typed letters in the text. */
  places: readonly number[]
}

/**
 * Finds the typed letters in a text in their order, with others between them; null when they are not there. Starts of words and
 * letters side by side count most; every word of what was typed may stand anywhere.
 *
 * fuzzyMatch('rep', 'Sales report') is better than fuzzyMatch('rep', 'Recompile').
 */
export function fuzzyMatch(typed: string, text: string): Match | null {
  const words = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean)
  const places: number[] = []
  let score = 0
  for (const word of words) {
    const found = matchWord(word, text)
    if (!found) return null
    score += found.score
    places.push(...found.places)
  }
  // Of two that fit alike the shorter one is meant.
  return { score: score - text.length / 100, places: [...new Set(places)].sort((a, b) => a - b) }
}

/** A text in pieces, those that were typed marked. */
export function markPieces(text: string, places: readonly number[]): { text: string; hit: boolean }[] {
  const hits = new Set(places)
  const pieces: { text: string; hit: boolean }[] = []
  for (let index = 0; index < text.length; index += 1) {
    const hit = hits.has(index)
    const last = pieces.at(-1)
    if (last && last.hit === hit) last.text += text[index]
    else pieces.push({ text: text[index]!, hit })
  }
  return pieces
}

function matchWord(word: string, text: string): Match | null {
  const lower = text.toLocaleLowerCase()
  // Lower case of a few letters is longer than they are; places would then be wrong.
  const plain = lower.length === text.length ? lower : text
  const whole = wholeAt(word, plain, text)
  if (whole !== null) {
    return { score: word.length * (startsWord(text, whole) ? 5 : 3), places: Array.from({ length: word.length }, (_, index) => whole + index) }
  }
  const places: number[] = []
  let score = 0
  let from = 0
  for (const letter of word) {
    const at = nextPlace(letter, plain, text, from)
    if (at < 0) return null
    if (startsWord(text, at)) score += 3
    else if (places.at(-1) === at - 1) score += 2
    else score -= 1
    places.push(at)
    from = at + 1
  }
  // Letters scattered over a long text fit nearly everything.
  return score >= word.length ? { score, places } : null
}

/** The place of a whole word, at the start of one in the text if it can be. */
function wholeAt(word: string, plain: string, text: string): number | null {
  let first: number | null = null
  for (let at = plain.indexOf(word); at >= 0; at = plain.indexOf(word, at + 1)) {
    if (startsWord(text, at)) return at
    first ??= at
  }
  return first
}

/** The next start of a word with this letter, when the letter does not follow at once. */
function nextPlace(letter: string, plain: string, text: string, from: number): number {
  const near = plain.indexOf(letter, from)
  if (near === from || near < 0) return near
  for (let at = near; at >= 0; at = plain.indexOf(letter, at + 1)) {
    if (startsWord(text, at)) return at
  }
  return near
}

function startsWord(text: string, at: number): boolean {
  if (at === 0) return true
  const before = text[at - 1]!
  return /[\s._\-/:]/.test(before) || (/\p{Ll}/u.test(before) && /\p{Lu}/u.test(text[at]!))
}
