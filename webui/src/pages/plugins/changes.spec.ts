import { describe, expect, it } from 'vitest'
import type { PluginRecord } from '@/api/types'
import { isNothing, raisedAt, readVersion, rescanChanges } from './changes'

const plugin = (name: string, version = '1.0', status: PluginRecord['status'] = 'ok') => ({ name, version, status }) as PluginRecord
const offered = (name: string, payloadSchema: Record<string, unknown> = {}) => ({ name, payloadSchema })

describe('rescanChanges', () => {
  it('names what came, went and changed', () => {
    const before = { plugins: [plugin('a'), plugin('b'), plugin('c', '1.0', 'broken'), plugin('d')], functions: [offered('a.x'), offered('a.y'), offered('b.z')] }
    const after = { plugins: [plugin('a', '1.1'), plugin('c'), plugin('d', '1.0', 'broken'), plugin('e')], functions: [offered('a.x', { type: 'object' }), offered('a.y'), offered('e.new')] }
    expect(rescanChanges(before, after)).toEqual({
      installed: ['e'], removed: ['b'], upgraded: [{ name: 'a', from: '1.0', to: '1.1' }], broke: ['d'], mended: ['c'],
      addedFunctions: ['e.new'], removedFunctions: ['b.z'], changedFunctions: ['a.x'],
    })
  })

  it('of the same twice are none', () => {
    const same = { plugins: [plugin('a')], functions: [offered('a.x')] }
    expect(isNothing(rescanChanges(same, same))).toBe(true)
    expect(isNothing(rescanChanges(same, { ...same, functions: [] }))).toBe(false)
  })
})

describe('readVersion', () => {
  const printed = JSON.stringify([{ name: 'acme.x', plugin: 'Acme_Tools', version: '2.0', payloadSchema: { type: 'object' }, tags: [] }, { name: 'other.y', plugin: 'other', version: '1', payloadSchema: {} }])
  it('takes the functions of the plugin alone', () => expect(readVersion(printed, 'acme-tools')).toEqual({ version: '2.0', functions: [{ name: 'acme.x', payloadSchema: { type: 'object' } }] }))
  it('may find none of it', () => expect(readVersion(printed, 'third')).toEqual({ version: '', functions: [] }))
  it.each(['', '{}', '[1]', '[{"name": "a"}]', 'nonsense'])('refuses %j', (text) => expect(readVersion(text, 'acme')).toBeNull())
})

it('raisedAt is the last place of a traceback', () => {
  const traceback = 'Traceback (most recent call last):\n  File "/usr/lib/importlib/__init__.py", line 126, in import_module\n  File "/site/acme_broken.py", line 3, in <module>\n    raise ImportError("x")\nImportError: x\n'
  expect(raisedAt(traceback)).toEqual({ file: 'acme_broken.py', line: 3 })
  expect(raisedAt('ImportError: x')).toBeNull()
})
