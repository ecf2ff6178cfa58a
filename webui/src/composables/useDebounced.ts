import { onScopeDispose, readonly, ref, watch, type Ref, type WatchSource } from 'vue'

/** The value of `source` once it has been still for `millis`. */
export function useDebounced<T>(source: WatchSource<T>, millis: number): Readonly<Ref<T>> {
  const settled = ref() as Ref<T>
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(
    source,
    (value, _before, onCleanup) => {
      if (settled.value === undefined) settled.value = value
      timer = setTimeout(() => (settled.value = value), millis)
      onCleanup(() => clearTimeout(timer))
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))
  return readonly(settled) as Readonly<Ref<T>>
}
