import type { RegisteredFunction } from '@/api/types'

/** The functions that hold every word of `query` in a name, title, description, plugin or tag. */
export function searchFunctions(functions: readonly RegisteredFunction[], query: string): readonly RegisteredFunction[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return functions
  return functions.filter((known) => {
    const text = [known.name, known.title, known.description, known.plugin, ...known.tags].join('\n').toLowerCase()
    return words.every((word) => text.includes(word))
  })
}
