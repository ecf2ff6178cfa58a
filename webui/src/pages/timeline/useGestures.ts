import { onBeforeUnmount, onMounted, type Ref } from 'vue'

export interface Gestures {
  /** Dragged, or wheeled sideways, by so many pixels to the right. */
  pan: (pixels: number) => void
  /** Pinched, or wheeled with Ctrl: so many times the time, round a place of the window. */
  zoom: (factor: number, clientX: number) => void
  hover: (event: PointerEvent) => void
  leave: () => void
  tap: (event: PointerEvent) => void
}

/** Pixels that a hand may tremble. */
const TREMBLE = 4
const WHEEL_LINE = 16

/** What fingers, mouse and wheel do on an element. Links and buttons in it keep their own ways. */
export function useGestures(element: Readonly<Ref<HTMLElement | null>>, on: Gestures): void {
  const pointers = new Map<number, number>()
  let travelled = 0
  let dragging = false

  const isControl = (event: Event) => event.target instanceof Element && event.target.closest('a, button, [data-card]') !== null

  function onDown(event: PointerEvent): void {
    if (isControl(event) || event.button !== 0) return
    if (pointers.size === 0) [travelled, dragging] = [0, false]
    pointers.set(event.pointerId, event.clientX)
  }

  function onMove(event: PointerEvent): void {
    const before = pointers.get(event.pointerId)
    if (before === undefined) {
      if (event.pointerType !== 'touch' && pointers.size === 0) on.hover(event)
      return
    }
    const moved = event.clientX - before
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1]
    pointers.set(event.pointerId, event.clientX)
    travelled += Math.abs(moved)
    if (!dragging && travelled < TREMBLE) return
    if (!dragging) {
      dragging = true
      on.leave()
      element.value?.setPointerCapture(event.pointerId)
    }
    if (other === undefined) on.pan(moved)
    else {
      const [apart, now] = [Math.abs(before - other), Math.abs(event.clientX - other)]
      on.zoom(Math.max(24, apart) / Math.max(24, now), (event.clientX + other) / 2)
    }
  }

  function onUp(event: PointerEvent): void {
    if (pointers.delete(event.pointerId) && !dragging && pointers.size === 0) on.tap(event)
  }
  function onCancel(event: PointerEvent): void {
    pointers.delete(event.pointerId)
  }

  function onWheel(event: WheelEvent): void {
    const line = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE : 1
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault()
      on.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY * line)) * 0.006), event.clientX)
      return
    }
    const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX
    if (Math.abs(sideways) <= Math.abs(event.shiftKey ? 0 : event.deltaY)) return
    event.preventDefault()
    on.pan(-sideways * line)
  }

  const listeners = { pointerdown: onDown, pointermove: onMove, pointerup: onUp, pointercancel: onCancel, pointerleave: on.leave } as const
  onMounted(() => {
    for (const [name, listener] of Object.entries(listeners)) element.value?.addEventListener(name, listener as EventListener)
    // The page would zoom.
    element.value?.addEventListener('wheel', onWheel, { passive: false })
  })
  onBeforeUnmount(() => {
    for (const [name, listener] of Object.entries(listeners)) element.value?.removeEventListener(name, listener as EventListener)
    element.value?.removeEventListener('wheel', onWheel)
  })
}
