import { destinations } from './destinations'

interface Entry {
  /** Its text is `help.key.<text>`. */
  text: string
  /** Ways to press it; the keys of one are pressed together or one after the other. */
  presses: readonly (readonly string[])[]
}

/** Every key and where it works, for people to look up. */
export const keyMap: readonly { area: string; entries: readonly Entry[] }[] = [
  {
    area: 'everywhere',
    entries: [
      { text: 'palette', presses: [['Ctrl', 'K']] },
      { text: 'search', presses: [['/']] },
      { text: 'new', presses: [['c']] },
      { text: 'help', presses: [['?']] },
      { text: 'close', presses: [['Esc']] },
    ],
  },
  { area: 'go', entries: destinations.map(({ name, key }) => ({ text: `go.${name}`, presses: [['g', key]] })) },
  {
    area: 'list',
    entries: [
      { text: 'move', presses: [['j'], ['k']] },
      { text: 'open', presses: [['Enter']] },
      { text: 'select', presses: [['x']] },
      { text: 'extend', presses: [['Shift', 'j'], ['Shift', 'k']] },
    ],
  },
  {
    area: 'row',
    entries: [
      { text: 'run', presses: [['r']] },
      { text: 'runWith', presses: [['Shift', 'r']] },
      { text: 'toggle', presses: [['p']] },
      { text: 'edit', presses: [['e']] },
      { text: 'duplicate', presses: [['d']] },
      { text: 'delete', presses: [['Del']] },
    ],
  },
  { area: 'form', entries: [{ text: 'save', presses: [['Ctrl', 'Enter']] }] },
  {
    area: 'execution',
    entries: [
      { text: 'follow', presses: [['f']] },
      { text: 'match', presses: [['n'], ['Shift', 'n']] },
      { text: 'neighbours', presses: [['['], [']']] },
    ],
  },
  {
    area: 'timeline',
    entries: [
      { text: 'pan', presses: [['Left'], ['Right']] },
      { text: 'zoom', presses: [['+'], ['-']] },
      { text: 'now', presses: [['t']] },
      { text: 'lane', presses: [['Up'], ['Down']] },
      { text: 'laneStep', presses: [['['], [']']] },
      { text: 'openExecution', presses: [['Enter']] },
    ],
  },
]
