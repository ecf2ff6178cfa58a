import { computed, onMounted, onUnmounted, ref, type ComputedRef } from 'vue'
import { usePreferences } from './usePreferences'

const wide = matchMedia('(min-width: 64rem)')

/** How tall a row of a list is now, in pixels: by density where it is a row of a table, `cardRem` where it is a card. */
export function useRowHeight(cardRem: number): ComputedRef<number> {
  const { density } = usePreferences()
  const isWide = ref(wide.matches)
  const rem = ref(remPixels())
  const look = () => {
    isWide.value = wide.matches
    rem.value = remPixels()
  }
  onMounted(() => addEventListener('resize', look))
  onUnmounted(() => removeEventListener('resize', look))
  // The numbers of `--row-height` in base.css: a row must be as tall as the list thinks it is.
  return computed(() => rem.value * (isWide.value ? (density.value === 'compact' ? 2.5 : 3.5) : cardRem))
}

function remPixels(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
}
