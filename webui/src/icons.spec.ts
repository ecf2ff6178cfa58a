import { describe, expect, it } from 'vitest'
import { iconPath, pathOf } from './icons'

describe('the icons', () => {
  it('are one path, whatever shapes they are drawn with', () => {
    expect(pathOf('<g fill="none"><path stroke-width="2" d="M1 2h3"/><circle cx="5" cy="5" r=".5"/></g>')).toBe('M1 2h3M4.5 5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0')
    expect(pathOf('<rect width="18" height="16" x="3" y="4" rx="2" ry="2"/>')).toBe('M5 4h14a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-12a2 2 0 0 1 2 -2z')
    expect(pathOf('<rect x="1" y="1" width="2" height="4"/>')).toBe('M1 1h2v4h-2v-4z')
  })

  it('are known by the names that the kit and we use', () => {
    expect(iconPath('i-lucide-check')).not.toBe('')
    expect(iconPath('lucide-check')).toBe(iconPath('i-lucide-check'))
    expect(iconPath('lucide:check')).toBe(iconPath('i-lucide-check'))
  })

  it('are blank where they are not bundled', () => {
    expect(iconPath('i-lucide-no-such-thing')).toBe('')
  })
})
