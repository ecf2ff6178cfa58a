import type { Locale, Messages } from '@nuxt/ui'
import en from '@nuxt/ui/runtime/locale/en.js'
import { shallowRef, watch, type Ref } from 'vue'
import { useLanguage } from '@/i18n'

/** The kit's own texts in other languages. */
const OTHERS: Record<string, () => Promise<{ default: Locale<Messages> }>> = {
  de: () => import('@nuxt/ui/runtime/locale/de.js'),
}

/** The texts of the kit's components in the language chosen; English until they are here, and where there are none. */
export function useKitLocale(): Readonly<Ref<Locale<Messages>>> {
  const { language } = useLanguage()
  const locale = shallowRef<Locale<Messages>>(en)
  watch(
    language,
    async (code) => {
      const loaded = OTHERS[code] ? (await OTHERS[code]()).default : en
      if (code === language.value) locale.value = loaded
    },
    { immediate: true },
  )
  return locale
}
