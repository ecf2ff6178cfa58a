/** The hooks by which plugins observe, as cronplug knows them; each has words of its own. */
const KNOWN: readonly string[] = ['scheduler_startup', 'scheduler_shutdown', 'scheduler_before_execution', 'scheduler_after_execution']

/** What a hook observes, in words; its own name when nothing is known of it. */
export function tellHook(hook: string, say: (key: string) => string): string {
  return KNOWN.includes(hook) ? say(`plugins.hook.${hook}`) : hook
}
