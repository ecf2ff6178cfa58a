import { describe, expect, it } from 'vitest'
import { AT_REST, drawn, madeWhole, moved, NOTHING_DRAWN, type Pace } from './lightRows'

const HEIGHT = 900

/** The pace after moves of so many pixels, one in each frame of so many milliseconds. */
function after(moves: readonly number[], frame = 16, from: Pace = AT_REST): Pace {
  let { at, top } = from.stops.at(-1) ?? { at: 0, top: 0 }
  return moves.reduce((pace, by) => moved(pace, (top += by), (at += frame), HEIGHT), from)
}

describe('the pace of a list', () => {
  it.each([
    ['stands still', [0, 0, 0, 0], 16, false],
    ['is read by the wheel', Array(20).fill(50), 16, false],
    ['is walked through by a key held down', Array(20).fill(56), 33, false],
    ['leaps once', [0, 40_000], 16, false],
    ['flies', [0, 300, 300, 300, 300], 16, true],
    ['flies upwards', [0, -300, -300, -300, -300], 16, true],
    ['flies in few long frames', [0, 300, 300, 300, 300], 130, true],
    ['is turned over page by page', [0, 800, 800, 800], 900, false],
    ['is dragged by its bar', [0, 9_000, 9_000], 50, true],
    ['goes on slowly after a flight', [0, ...Array(10).fill(300), ...Array(14).fill(20)], 16, false],
  ])('when it %s', (_, moves, frame, fast) => {
    expect(after(moves, frame).fast).toBe(fast)
  })

  it('stays fast until it is half as fast', () => {
    const flying = after(Array(20).fill(100))
    expect(after(Array(20).fill(60)).fast).toBe(false)
    expect(after(Array(20).fill(60), 16, flying).fast).toBe(true)
    expect(after(Array(20).fill(30), 16, flying).fast).toBe(false)
  })
})

describe('the rows of a list', () => {
  const read = drawn(NOTHING_DRAWN, [0, 1, 2, 3], false, -1)

  it('are whole unless it flies', () => expect(read.light).toEqual(new Set()))

  it('are light when they come into view in flight; those that are whole stay so', () => {
    expect(drawn(read, [2, 3, 4, 5], true, -1).light).toEqual(new Set([4, 5]))
  })

  it('stay light until they are made whole', () => {
    const flown = drawn(read, [2, 3, 4, 5], true, -1)
    expect(drawn(flown, [3, 4, 5, 6], false, -1).light).toEqual(new Set([4, 5]))
  })

  it('are whole again after they were out of view', () => {
    const flown = drawn(drawn(read, [4, 5], true, -1), [0, 1], false, -1)
    expect(flown.light).toEqual(new Set())
  })

  it('are whole where somebody wants to be', () => expect(drawn(read, [8, 9], true, 9).light).toEqual(new Set([8])))

  it('are made whole a few at a time, the middle ones first', () => {
    const flown = drawn(read, [10, 11, 12, 13, 14], true, -1)
    const once = madeWhole(flown, 12, 3)
    expect(once.light).toEqual(new Set([10, 14]))
    expect(madeWhole(once, 12, 3).light).toEqual(new Set())
  })
})
