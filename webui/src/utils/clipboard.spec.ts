import { afterEach, describe, expect, it, vi } from 'vitest'
import { copyText } from './clipboard'

function clipboardIs(clipboard: Partial<Clipboard> | undefined): void {
  vi.stubGlobal('navigator', { clipboard })
}
afterEach(() => vi.unstubAllGlobals())

describe('copyText', () => {
  it('writes to the clipboard of a secure page', async () => {
    const writeText = vi.fn(() => Promise.resolve())
    clipboardIs({ writeText })
    expect(await copyText('abc')).toBe(true)
    expect(writeText).toHaveBeenCalledWith('abc')
  })

  it('says so when the browser refuses', async () => {
    clipboardIs({ writeText: () => Promise.reject(new DOMException('no', 'NotAllowedError')) })
    expect(await copyText('abc')).toBe(false)
  })

  it('answers the copy command where there is no clipboard', async () => {
    clipboardIs(undefined)
    const setData = vi.fn()
    document.execCommand = () => {
      const event = new Event('copy')
      Object.assign(event, { clipboardData: { setData } })
      return document.dispatchEvent(event) || true
    }
    expect(await copyText('abc')).toBe(true)
    expect(setData).toHaveBeenCalledWith('text/plain', 'abc')
  })

  it('is not fooled by a command that copies nothing', async () => {
    clipboardIs(undefined)
    document.execCommand = () => true
    expect(await copyText('abc')).toBe(false)
  })
})
