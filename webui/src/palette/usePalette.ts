import { readonly, ref } from 'vue'

/** `run`: only the tasks, to run one. */
export type PaletteMode = 'all' | 'run'

const mode = ref<PaletteMode | null>(null)
const typed = ref('')
let opener: Element | null = null

/** The command palette, of which there is one. */
export function usePalette() {
  return { mode: readonly(mode), typed, open, close }
}

function open(as: PaletteMode = 'all'): void {
  if (mode.value === null) opener = document.activeElement
  typed.value = ''
  mode.value = as
}

/** Gives the focus back to where it was, unless a command has moved it on. */
function close(): void {
  mode.value = null
  requestAnimationFrame(() => {
    if (document.activeElement === document.body && opener instanceof HTMLElement && opener.isConnected) opener.focus()
  })
}
