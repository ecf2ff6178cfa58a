/**
 * Turns compiled English messages into ones that are accented and two fifths longer, so that tests see what was not translated and
 * what does not fit. Placeholders stay.
 */
const ACCENTED: Record<string, string> = {
  a: 'á', b: 'ƀ', c: 'ç', d: 'ð', e: 'é', f: 'ƒ', g: 'ĝ', h: 'ĥ', i: 'í', j: 'ĵ', k: 'ķ', l: 'ļ', m: 'ɱ', n: 'ñ', o: 'ó', p: 'þ', r: 'ŕ', s: 'š', t: 'ţ', u: 'ú', v: 'ṽ', w: 'ŵ', x: 'ẋ', y: 'ý', z: 'ž',
  A: 'Á', B: 'Ɓ', C: 'Ç', D: 'Ð', E: 'É', F: 'Ƒ', G: 'Ĝ', H: 'Ĥ', I: 'Í', J: 'Ĵ', K: 'Ķ', L: 'Ļ', M: 'Ṁ', N: 'Ñ', O: 'Ó', P: 'Þ', R: 'Ŕ', S: 'Š', T: 'Ţ', U: 'Ú', V: 'Ṽ', W: 'Ŵ', X: 'Ẋ', Y: 'Ý', Z: 'Ž',
}

/** A message or a group of them; texts stand in `s` and `v` of the compiled form. */
export function stretch(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(stretch)
  if (typeof message === 'string') return accent(message)
  if (typeof message !== 'object' || message === null) return message
  return Object.fromEntries(
    Object.entries(message).map(([key, value]) => {
      if (key === 'k' && typeof value === 'string') return [key, value]
      return [key, stretch(value)]
    }),
  )
}

/** "Save" is "Šáṽé~~". */
export function accent(text: string): string {
  const letters = text.replace(/[a-z]/gi, (letter) => ACCENTED[letter] ?? letter)
  const words = text.match(/[a-z]+/gi)?.join('').length ?? 0
  return words === 0 ? letters : letters.replace(/(\s*)$/, `${'~'.repeat(Math.ceil(words * 0.4))}$1`)
}
