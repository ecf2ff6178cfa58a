import { readonly, shallowRef } from 'vue'

export interface ConfirmQuestion {
  title: string
  /** What will happen, naming the object. */
  text: string
  /** The verb on the button. */
  action: string
  /** The other button, where “Cancel” would be misread. */
  dismiss?: string
  /** Red: what is done cannot be undone. */
  danger?: boolean
}

export interface ConfirmRequest extends ConfirmQuestion {
  key: number
  answer: (yes: boolean) => void
}

const request = shallowRef<ConfirmRequest | null>(null)
let asked = 0

/** Asks a yes-or-no question; the answer to the promise is true for yes. */
export function useConfirm(): (question: ConfirmQuestion) => Promise<boolean> {
  return (question) => {
    request.value?.answer(false)
    const opener = document.activeElement
    return new Promise((resolve) => {
      const answer = (yes: boolean) => {
        request.value = null
        resolve(yes)
        requestAnimationFrame(() => {
          if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
        })
      }
      request.value = { ...question, key: ++asked, answer }
    })
  }
}

/** The question now open, for the one place that shows it. */
export function useConfirmRequest() {
  return { request: readonly(request) }
}
