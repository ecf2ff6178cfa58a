import type { RegisteredFunction } from '@/api/types'

type Searchable = Pick<RegisteredFunction, 'name' | 'title' | 'description' | 'plugin' | 'tags'>

/** The functions that hold every word of `query` in a name, title, description, plugin or tag. */
export function searchFunctions<T extends Searchable>(functions: readonly T[], query: string): readonly T[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return functions
  return functions.filter((known) => {
    const text = [known.name, known.title, known.description, known.plugin, ...known.tags].join('\n').toLowerCase()
    return words.every((word) => text.includes(word))
  })
}
