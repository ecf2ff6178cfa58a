import { onMounted, onUnmounted, shallowRef, watch } from 'vue'
import { useTheme } from '@/composables/useTheme'
import { readPalette, type Palette } from './draw'

/** The colours to draw with: those of the theme, read again when it changes. */
export function useCanvasPalette() {
  const { dark } = useTheme()
  const palette = shallowRef<Palette>(readPalette())
  const read = () => (palette.value = readPalette())
  const forced = matchMedia('(forced-colors: active)')
  watch(dark, read, { flush: 'post' })
  onMounted(() => forced.addEventListener('change', read))
  onUnmounted(() => forced.removeEventListener('change', read))
  return palette
}
