import { describe, expect, it } from 'vitest'
import type { RegisteredFunction } from '@/api/types'
import { firstTask, isAddress, startersOf } from './starters'

const known = (...names: string[]) => names.map((name) => ({ name }) as RegisteredFunction)
const answers = { name: ' First ', plan: 'daily', url: 'https://example.com ', zone: 'Europe/Helsinki' } as const

describe('startersOf', () => {
  it('offers what the server has, and always a request', () => {
    expect(startersOf(known('acme.own', 'example.greet')).map(({ key }) => key)).toEqual(['example.greet', 'http'])
    expect(startersOf([]).map(({ key }) => key)).toEqual(['http'])
  })
  it('offers four at most', () => {
    expect(startersOf(known('example.report', 'example.greet', 'maintenance.heartbeat', 'example.flaky'))).toHaveLength(4)
  })
})

describe('firstTask', () => {
  it('runs a function on a schedule in the zone of the person', () => {
    expect(firstTask({ key: 'example.greet', payload: { name: 'world' }, icon: '' }, answers)).toEqual({
      name: 'First',
      type: 'function',
      functionName: 'example.greet',
      functionPayload: { name: 'world' },
      cronExpression: '0 6 * * *',
      timezone: 'Europe/Helsinki',
    })
  })
  it('sends a request, by hand only', () => {
    expect(firstTask({ key: 'http', payload: {}, icon: '' }, { ...answers, plan: 'byHand' })).toEqual({ name: 'First', type: 'http', httpMethod: 'GET', httpUrl: 'https://example.com' })
  })
})

describe('isAddress', () => {
  it.each(['https://example.com', 'http://127.0.0.1:8080/x?y=1'])('takes %s', (text) => expect(isAddress(text)).toBe(true))
  it.each(['', 'example.com', 'ftp://example.com', 'https://', 'https://a b'])('refuses %j', (text) => expect(isAddress(text)).toBe(false))
})
