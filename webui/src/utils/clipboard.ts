/**
 * Puts a text on the clipboard; false when the browser does not let us. Browsers give `navigator.clipboard` to secure pages
 * only: over plain http on a network the older command is left, which answers the copy it starts itself.
 */
export async function copyText(text: string): Promise<boolean> {
  const clipboard = navigator.clipboard as Clipboard | undefined
  if (clipboard) {
    return clipboard.writeText(text).then(
      () => true,
      () => false,
    )
  }
  let taken = false
  const answer = (event: ClipboardEvent) => {
    event.clipboardData?.setData('text/plain', text)
    event.preventDefault()
    taken = true
  }
  document.addEventListener('copy', answer)
  try {
    return document.execCommand('copy') && taken
  } finally {
    document.removeEventListener('copy', answer)
  }
}
