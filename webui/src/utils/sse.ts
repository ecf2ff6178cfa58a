/** One message of a server-sent event stream. */
export interface SseMessage {
  event: string
  data: string
  id: string | null
}

/**
 * Reads a `text/event-stream` body piece by piece (HTML Living Standard, 9.2.6). Comments are
 * skipped, a message without data is none.
 */
export class SseParser {
  private rest = ''
  private event = ''
  private data: string[] = []
  private id: string | null = null

  /** The messages completed by `chunk`. */
  push(chunk: string): SseMessage[] {
    const messages: SseMessage[] = []
    const lines = (this.rest + chunk).split(/\r\n|\n|\r(?!$)/)
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (this.data.length > 0) messages.push({ event: this.event || 'message', data: this.data.join('\n'), id: this.id })
        this.event = ''
        this.data = []
      } else {
        this.take(line)
      }
    }
    return messages
  }

  private take(line: string): void {
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.event = value
    else if (field === 'data') this.data.push(value)
    else if (field === 'id') this.id = value
  }
}
