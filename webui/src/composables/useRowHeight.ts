import { computed, onMounted, onUnmounted, ref, type ComputedRef, type Ref } from 'vue'
import { usePreferences } from './usePreferences'

const wide = matchMedia('(min-width: 64rem)')

/**
 * How rows of a list look now: `wide`, as those of a table, else as cards; and how tall they are in pixels, by density in a table,
 * `cardRem` for a card.
 */
export function useRowHeight(cardRem: number): { wide: Readonly<Ref<boolean>>; height: ComputedRef<number> } {
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
  const height = computed(() => rem.value * (isWide.value ? (density.value === 'compact' ? 2.5 : 3.5) : cardRem))
  return { wide: isWide, height }
}

function remPixels(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
}
