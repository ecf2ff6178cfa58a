import { describe, expect, it } from 'vitest'
import { SseParser } from './sse'

describe('SseParser', () => {
  it('joins a message that arrives in pieces', () => {
    const parser = new SseParser()
    expect(parser.push('event: task\nda')).toEqual([])
    expect(parser.push('ta: {"id":"a"}\n')).toEqual([])
    expect(parser.push('\n')).toEqual([{ event: 'task', data: '{"id":"a"}', id: null }])
  })

  it('skips comments and empty messages', () => {
    expect(new SseParser().push(': ping\n\nevent: only\n\n')).toEqual([])
  })

  it('keeps the last id for later messages', () => {
    const messages = new SseParser().push('id: 7\ndata: x\n\ndata: y\n\n')
    expect(messages.map((message) => message.id)).toEqual(['7', '7'])
  })

  it('reads several data lines as one text', () => {
    expect(new SseParser().push('data: a\ndata: b\n\n')[0]?.data).toBe('a\nb')
  })

  it('takes carriage returns for line ends, also when a piece ends between them', () => {
    const parser = new SseParser()
    expect(parser.push('data: a\r')).toEqual([])
    expect(parser.push('\n\r\n')).toEqual([{ event: 'message', data: 'a', id: null }])
  })
})
