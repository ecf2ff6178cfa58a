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

export interface Choice<T extends string = string> {
  value: T
  label: string
  help?: string
}

export interface ConfirmRequest extends ConfirmQuestion {
  key: number
  /** One of them is taken with the yes, the first unless another is chosen. */
  choices: readonly Choice[]
  /** `choice` null: no. */
  answer: (choice: string | null) => void
}

const request = shallowRef<ConfirmRequest | null>(null)
let asked = 0

/** Asks a yes-or-no question; the answer to the promise is true for yes. */
export function useConfirm(): (question: ConfirmQuestion) => Promise<boolean> {
  return async (question) => (await ask(question, [])) !== null
}

/** Asks for one of a few choices; null when the person thinks better of it. */
export function useChoice(): <T extends string>(question: ConfirmQuestion, choices: readonly Choice<T>[]) => Promise<T | null> {
  return async <T extends string>(question: ConfirmQuestion, choices: readonly Choice<T>[]) => (await ask(question, choices)) as T | null
}

function ask(question: ConfirmQuestion, choices: readonly Choice[]): Promise<string | null> {
  request.value?.answer(null)
  const opener = document.activeElement
  return new Promise((resolve) => {
    const answer = (choice: string | null) => {
      request.value = null
      resolve(choice)
      requestAnimationFrame(() => {
        if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
      })
    }
    request.value = { ...question, choices, key: ++asked, answer }
  })
}

/** The question now open, for the one place that shows it. */
export function useConfirmRequest() {
  return { request: readonly(request) }
}
