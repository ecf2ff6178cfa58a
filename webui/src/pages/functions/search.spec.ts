import { describe, expect, it } from 'vitest'
import type { RegisteredFunction } from '@/api/types'
import { searchFunctions } from './search'

const known = (name: string, description: string, ...tags: string[]) => ({ name, title: '', description, plugin: 'acme', tags }) as unknown as RegisteredFunction
const all = [known('acme.report', 'Build the sales report', 'sales'), known('acme.index', 'Rebuild the search index')]

describe('searchFunctions', () => {
  it('finds every word, wherever it stands', () => {
    expect(searchFunctions(all, 'SALES acme.rep').map(({ name }) => name)).toEqual(['acme.report'])
    expect(searchFunctions(all, 'build acme')).toHaveLength(2)
    expect(searchFunctions(all, 'sales index')).toEqual([])
  })

  it('an empty search finds all', () => expect(searchFunctions(all, '  ')).toBe(all))
})
