import { describe, expect, it } from 'vitest'
import { formatBytes } from './bytes'

describe('formatBytes', () => {
  it.each([
    [0, '0 byte'],
    [512, '512 byte'],
    [1_536, '1.5 kB'],
    [1_000_000, '977 kB'],
    [52_428_800, '50 MB'],
    [5e12, '4.5 TB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))
})
